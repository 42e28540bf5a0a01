import { UntrustedPodArgs } from "../args";
import { configuresRuntime, harmlessVolumes, kataRuntimeClass } from "../trust";
import { isLater, isObject, Problems } from "./problems";
import { imageReference, positive, rfc1123Label } from "./checks";

/** Refuses what would give an untrusted pod a way to the node. Outputs are judged on the node and by the API server. */
export function checkPodSpec(problems: Problems, at: string, input: UntrustedPodArgs) {
    rfc1123Label(problems, `${at}.name`, input.name ?? "nginx-untrusted", 63);
    if (typeof input.namespace === "string") {
        rfc1123Label(problems, `${at}.namespace`, input.namespace, 63);
    }
    imageReference(problems, `${at}.image`, input.image);
    if (input.timeoutSeconds !== undefined) {
        positive(problems, `${at}.timeoutSeconds`, input.timeoutSeconds, 1, "not a number of seconds");
    }
    problems.check(
        !(input.image !== undefined && input.spec !== undefined),
        `${at}.image`,
        input.image,
        `${at}.spec names the images of its containers`,
        "image or spec",
        "leave image out",
    );
    for (const annotation of Object.keys(plain(input.annotations))) {
        problems.check(
            !configuresRuntime(annotation),
            `${at}.annotations`,
            annotation,
            "an untrusted pod may not configure its runtime",
            "annotations of your own",
            "remove it",
        );
    }
    if (input.spec !== undefined && !isLater(input.spec)) {
        const isSpec = problems.check(
            isObject(input.spec),
            `${at}.spec`,
            input.spec,
            "not a PodSpec",
            "an object with containers",
            "for example { containers: [{ name: 'nginx', image: 'nginx' }] }",
        );
        if (isSpec) {
            checkSpec(problems, `${at}.spec`, plain(input.spec));
        }
    }
}

function checkSpec(problems: Problems, at: string, spec: Record<string, unknown>) {
    const refuse = (bad: boolean, path: string, value: unknown, why: string) =>
        problems.check(
            !bad,
            path,
            value,
            why,
            "a pod without access to the node",
            "remove it, or do not use UntrustedPod",
        );
    for (const key of ["hostNetwork", "hostPID", "hostIPC"]) {
        refuse(spec[key] === true, `${at}.${key}`, spec[key], "an untrusted pod may not share the node's namespaces");
    }
    refuse(spec.nodeName !== undefined, `${at}.nodeName`, spec.nodeName, "it would pass by the scheduler");
    problems.check(
        [undefined, kataRuntimeClass].includes(spec.runtimeClassName as string | undefined),
        `${at}.runtimeClassName`,
        spec.runtimeClassName,
        "an untrusted pod runs in Kata",
        `no runtimeClassName, or "${kataRuntimeClass}"`,
        "remove it",
    );
    list(spec.volumes).forEach((volume, i) =>
        Object.keys(volume)
            .filter((kind) => kind !== "name" && !harmlessVolumes.includes(kind))
            .forEach((kind) =>
                refuse(true, `${at}.volumes[${i}].${kind}`, volume[kind], "it could hold something of the node's"),
            ),
    );
    const kinds = ["containers", "initContainers", "ephemeralContainers"];
    problems.check(
        isLater(spec.containers) || list(spec.containers).length > 0,
        `${at}.containers`,
        spec.containers,
        "a pod needs a container",
        "one container or more",
        "for example [{ name: 'nginx', image: 'nginx' }]",
    );
    for (const kind of kinds) {
        list(spec[kind]).forEach((container, i) => {
            const here = `${at}.${kind}[${i}].securityContext`;
            const context = plain(container.securityContext);
            refuse(context.privileged === true, `${here}.privileged`, true, "it would get the node's devices");
            const added = plain(context.capabilities).add;
            refuse(list2(added).length > 0, `${here}.capabilities.add`, added, "an untrusted pod gets no capabilities");
        });
    }
}

function plain(value: unknown): Record<string, unknown> {
    return isObject(value) ? value : {};
}

function list(value: unknown): Record<string, unknown>[] {
    return list2(value).map(plain);
}

function list2(value: unknown): unknown[] {
    return Array.isArray(value) ? value : [];
}
