import { PropertyMap } from "../shared/values";
import { ResourceType } from "./resourceTypes";
import { Stored } from "./cloud";

/** The provider's configuration that resources fall back to. */
export interface ProviderSettings {
    project?: string;
    region?: string;
    zone?: string;
}

/** The place of a resource in the API. */
export type Location = Pick<Stored, "key" | "name" | "project" | "region" | "zone"> & {
    /** The id that the provider gives it. */
    id: string;
};

/** @throws as the provider does if neither the resource nor the provider names what is needed. */
export function locate(type: ResourceType, inputs: PropertyMap, provider: ProviderSettings): Location {
    const need = (what: "project" | "region" | "zone"): string => {
        const value = inputs[what] ?? provider[what];
        if (typeof value !== "string" || value === "") {
            throw new Error(
                `Cannot determine ${what}: set in this resource, or set provider-level ${what === "project" ? "'project' ID" : what}.`,
            );
        }
        return value.split("/").pop()!;
    };
    const project = need("project");
    const zone = type.scope === "zone" ? need("zone") : undefined;
    const region = zone ? regionOf(zone) : type.scope === "region" ? need("region") : undefined;
    const scope = zone ? `zones/${zone}` : region ? `regions/${region}` : "global";
    const last = (property: string) => (inputs[property] as string).split("/").pop()!;
    const name = last(type.collection === "memberships" ? "instance" : "name");
    const parent = type.within ? `/${type.within.collection}/${last(type.within.property)}` : "";
    const key = `projects/${project}/${scope}${parent}/${type.collection}/${name}`;
    const id = type.collection === "nats" ? `${project}/${region}/${last("router")}/${name}` : key;
    return { key, id, name, project, region, zone };
}

/** The region of a zone: `europe-west4` of `europe-west4-b`. */
export function regionOf(zone: string): string {
    return zone.replace(/-[a-z]$/, "");
}
