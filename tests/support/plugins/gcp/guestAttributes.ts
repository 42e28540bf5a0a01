import { CheckFailure } from "../shared/provider";
import { PropertyMap, reveal } from "../shared/values";
import { notFound } from "./apiError";
import { checkInputs } from "./checkInputs";
import { Cloud } from "./cloud";
import { ProviderSettings } from "./location";
import { argumentsOf } from "./publishedTypes";

/** The token of the function that reads what an instance's guest agent has published. */
export const guestAttributesToken = "gcp:compute/getInstanceGuestAttributes:getInstanceGuestAttributes";

/**
 * What the guest agent has published: its host key, once it has booted, and only where the instance's metadata enables
 * guest attributes. https://cloud.google.com/compute/docs/metadata/manage-guest-attributes
 */
export function guestAttributes(cloud: Cloud, raw: PropertyMap, provider: ProviderSettings): PropertyMap {
    const failures: CheckFailure[] = checkInputs(argumentsOf(guestAttributesToken), raw);
    if (failures.length > 0) {
        throw new Error(failures.map(({ reason }) => reason).join("\n"));
    }
    const args = reveal(raw) as Record<string, string | undefined>;
    const { name = "", queryPath, variableKey } = args;
    const from = { project: args.project ?? provider.project ?? "", zone: args.zone ?? provider.zone };
    const instance = cloud.find(name, "instances", from);
    if (!instance) {
        throw notFound(`projects/${from.project}/zones/${from.zone}/instances/${name}`);
    }
    const metadata = (instance.inputs.metadata ?? {}) as Record<string, string>;
    const [type, key] = (instance.machine?.hostKey ?? "").split(" ");
    const { bootSeconds = 2 } = cloud.settings();
    const booted = Date.now() - instance.created >= bootSeconds * 1000;
    const published =
        key && booted && metadata["enable-guest-attributes"]?.toUpperCase() === "TRUE"
            ? [{ namespace: "hostkeys", key: type!, value: key }]
            : [];
    const found = published.filter((one) =>
        variableKey !== undefined
            ? `${one.namespace}/${one.key}` === variableKey
            : queryPath === undefined || `${one.namespace}/${one.key}`.startsWith(queryPath),
    );
    if (found.length === 0) {
        throw notFound(`${variableKey ?? queryPath ?? ""}' of type 'Guest Attribute`);
    }
    return {
        ...{ id: `${instance.key}/guestAttributes`, name: instance.name, project: instance.project },
        ...{ zone: instance.zone!, region: args.region ?? "", queryValues: variableKey === undefined ? found : [] },
        ...(queryPath === undefined ? {} : { queryPath }),
        ...(variableKey === undefined ? {} : { variableKey }),
        variableValue: variableKey === undefined ? "" : found[0]!.value,
    };
}
