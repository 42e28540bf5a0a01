import * as args from "./args";
import { rfc1123Label } from "./validation/checks";
import { Problems } from "./validation/problems";

/** The guide's annotation: with the value `true` it sends a pod to Kata, on containerd and on CRI-O. */
export const untrustedAnnotation = "io.kubernetes.cri.untrusted-workload";

/** RuntimeClass of the pods that run in virtual machines. */
export const kataRuntimeClass = "kata";

/** What annotation keys begin with that a container runtime, its shim or an OCI runtime takes orders from. */
const runtimeKeys = [
    ...["io.katacontainers.", "com.github.containers.virtcontainers."],
    ...["io.kubernetes.", "io.containerd.", "io.containers.", "nerdctl/", "cdi.k8s.io/"],
    ...["run.oci.", "org.systemd.", "org.criu.", "module.wasm."],
];

/**
 * Keys of annotations that configure a pod's runtime, for RE2 and for JavaScript, without regard to case. CRI-O's own
 * end in a domain. A key beyond ASCII is one of them: the API server takes `İ` and the Kelvin sign for letters.
 */
export const runtimeAnnotations = `^(${runtimeKeys.map((key) => key.replaceAll(".", "[.]")).join("|")})|[.](crio|cri-o)[.]io([./]|$)|[^ -~]`;

/** Whether an annotation configures a pod's runtime. The guide's own is the only one that a pod may have. */
export function configuresRuntime(key: string): boolean {
    return key !== untrustedAnnotation && new RegExp(runtimeAnnotations, "i").test(key);
}

/** Volumes that hold nothing of the node's. */
export const harmlessVolumes = [
    ...["configMap", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"],
];

/** Which pods are trusted, with every default filled in. */
export interface TrustSpec {
    defaultWorkloadTrust: args.WorkloadTrust;
    /** Every namespace whose pods are trusted, sorted: those of the system and the user's. */
    trustedNamespaces: string[];
}

/** Fills in the namespaces of what is installed; nobody else's, for whoever made one would be trusted in it. */
export function resolveTrust(problems: Problems, input: args.TrustArgs, cni: args.Cni): TrustSpec {
    const named = input.trustedNamespaces ?? [];
    named.forEach((namespace, i) => rfc1123Label(problems, `trust.trustedNamespaces[${i}]`, namespace, 63));
    const system = ["kube-system", ...(cni === args.Cni.Flannel ? ["kube-flannel"] : [])];
    return {
        defaultWorkloadTrust: problems.oneOf(
            "trust.defaultWorkloadTrust",
            input.defaultWorkloadTrust,
            args.WorkloadTrust,
            "trusted",
        ),
        trustedNamespaces: [...new Set([...system, ...named])].sort(),
    };
}
