import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import { KataClusterArgs } from "../../components/args";
import { resolve } from "../../components/spec";
import { existing, hostKey, privateKey, specOf } from "../support/specs";

/** Arguments of any shape, as a program without types could give them. */
type Bad = [what: string, args: object, says: RegExp[], name?: string];

const local = { machines: { local: {} } };
const onCrio = { ...local, containerRuntime: "crio" } as const;
const digest = "0".repeat(64);
const machine = { address: "192.0.2.10", hostKey, privateKey };
const onExisting = (changes: object) => ({ machines: { existing: { controlPlanes: [{ ...machine, ...changes }] } } });

/** So many machines of their own addresses. */
const machines = (count: number, from: number) =>
    Array.from({ length: count }, (_, i) => ({ ...machine, address: `192.0.2.${from + i}` }));
const onMachines = (controlPlanes: number, workers: number, kubernetes: KataClusterArgs["kubernetes"] = {}) => ({
    machines: { existing: { controlPlanes: machines(controlPlanes, 10), workers: machines(workers, 20) } },
    kubernetes,
});
const withWorkers = (...changes: object[]) => ({
    machines: {
        existing: {
            controlPlanes: [machine],
            workers: changes.map((change, i) => ({ ...machine, address: `192.0.2.${20 + i}`, ...change })),
        },
    },
});
const onLocalWorkers = (workers: object) => ({ machines: { local: { workers } } });

const refused: Bad[] = [
    ["no machines", {}, [/machines = "nothing"/]],
    ["two kinds of machines", { machines: { local: {}, ...existing().machines } }, [/machines = "local, existing"/]],
    ["an unknown kind", { machines: { azure: {} } }, [/machines = "azure"/]],
    [
        "podman",
        { ...local, containerRuntime: "podman" },
        [/containerRuntime = "podman".*Allowed: "containerd", "crio"/],
    ],
    [
        "a CRI-O two minor versions from Kubernetes",
        { ...onCrio, releases: { crio: { version: "1.34.11", sha256: { amd64: digest } } } },
        [/releases.crio.version = "1.34.11": Kubernetes 1.36.4 does not work with this CRI-O. Allowed: 1.36.x/],
    ],
    [
        "a CRI-O of another major version",
        { ...onCrio, releases: { crio: { version: "2.36.0", sha256: { amd64: digest } } } },
        [/releases.crio.version = "2.36.0"/],
    ],
    [
        "a CRI-O without digest",
        { ...onCrio, releases: { crio: { version: "1.36.4", sha256: {} } } },
        [/releases.crio.sha256/],
    ],
    [
        "a mirror below a path for CRI-O",
        { ...onCrio, mirror: { images: "https://mirror.example.com/images" } },
        [/mirror.images = "https:\/\/mirror.example.com\/images".*Hint: use "https:\/\/mirror.example.com"/],
    ],
    [
        "a disruption that is none",
        { ...local, allowDisruption: { reboot: true } },
        [/allowDisruption = {"reboot":true}.*Allowed: { containerRuntime: true }/],
    ],
    [
        "a disruption as text",
        { ...local, allowDisruption: "containerRuntime" },
        [/allowDisruption = "containerRuntime"/],
    ],
    ["a version with v", { ...local, kubernetes: { version: "v1.36.4" } }, [/kubernetes.version = "v1.36.4"/]],
    ["an old version", { ...local, kubernetes: { version: "1.20.0" } }, [/kubernetes.version = "1.20.0".*1\.36\.4/]],
    [
        "a CIDR that is none",
        { ...local, kubernetes: { podCidr: "10.244.0.0" } },
        [/podCidr = "10.244.0.0": not an IPv4 range/],
    ],
    ["host bits", { ...local, kubernetes: { podCidr: "10.244.1.0/16" } }, [/Hint: use "10.244.0.0\/16"/]],
    ["a small pod range", { ...local, kubernetes: { podCidr: "10.244.0.0/25" } }, [/every node takes a \/24/]],
    ["an IPv6 pod range", { ...local, kubernetes: { podCidr: "fd00::/48" } }, [/not an IPv4 range/]],
    ["metadata addresses", { ...local, kubernetes: { podCidr: "169.254.0.0/16" } }, [/169\.254\.0\.0\/16/]],
    [
        "overlap",
        { ...local, kubernetes: { serviceCidr: "10.244.0.0/20" } },
        [/serviceCidr.*overlaps kubernetes.podCidr/],
    ],
    ["a huge service range", { ...local, kubernetes: { serviceCidr: "11.0.0.0/8" } }, [/prefix length from 12 to 28/]],
    ["an unknown CNI", { ...local, kubernetes: { cni: "calico" } }, [/kubernetes.cni = "calico".*"flannel", "none"/]],
    [
        "a URL as certificate name",
        { ...local, kubernetes: { certificateNames: ["https://a"] } },
        [/certificateNames\[0\]/],
    ],
    ["Kata 3.28", { ...local, kata: { version: "3.28.0" } }, [/kata.version = "3.28.0"/]],
    [
        "Kata 3.30 with a release of it",
        { ...local, kata: { version: "3.30.0" }, releases: { kata: { version: "3.30.0", sha256: { amd64: digest } } } },
        [/CVE-2026-44210/],
    ],
    ["a hypervisor that is none", { ...local, kata: { hypervisor: "xen" } }, [/kata.hypervisor = "xen"/]],
    ["dragonball on the Go shim", { ...local, kata: { version: "3.32.0", hypervisor: "dragonball" } }, [/dragonball/]],
    ["the Go shim of 4.1.0", { ...local, kata: { shim: "go" } }, [/kata.shim = "go"/]],
    [
        "a trust that is none",
        { ...local, trust: { defaultWorkloadTrust: "distrusted" } },
        [/trust.defaultWorkloadTrust = "distrusted".*"trusted", "untrusted"/],
    ],
    [
        "a trust in words of yes and no",
        { ...local, trust: { defaultWorkloadTrust: true } },
        [/trust.defaultWorkloadTrust = true/],
    ],
    [
        "one trusted namespace without a list",
        { ...local, trust: { trustedNamespaces: "monitoring" } },
        [/trust.trustedNamespaces = "monitoring": not a list/],
    ],
    [
        "trusted namespaces that can't be there, each",
        { ...local, trust: { trustedNamespaces: ["Monitoring", "team-*", "", "n".repeat(64), 'a"]', 7] } },
        [0, 1, 2, 3, 4, 5].map((i) => new RegExp(`trustedNamespaces\\[${i}\\]`)),
    ],
    ["a tiny guest", { ...local, kata: { guestMemoryMib: 64 } }, [/kata.guestMemoryMib = 64/]],
    ["a mirror without scheme", { ...local, mirror: { downloads: "mirror.example.com" } }, [/mirror.downloads/]],
    ["a mirror by ftp", { ...local, mirror: { images: "ftp://mirror" } }, [/mirror.images/]],
    [
        "a release without digest",
        { ...local, releases: { runc: { version: "1.4.4", sha256: {} } } },
        [/releases.runc.sha256/],
    ],
    [
        "a short digest",
        { ...local, releases: { runc: { version: "1.4.4", sha256: { amd64: "abc" } } } },
        [/releases.runc.sha256/],
    ],
    [
        "a kubeadm of another version",
        { ...local, releases: { kubeadm: { version: "1.36.5", sha256: { amd64: digest } } } },
        [/releases.kubeadm.version = "1.36.5"/],
    ],
    ["one CPU", { machines: { local: { cpus: 1 } } }, [/machines.local.cpus = 1: kubeadm wants 2/]],
    ["memory as text", { machines: { local: { memoryMib: "8GB" } } }, [/machines.local.memoryMib = "8GB"/]],
    ["a small disk", { machines: { local: { diskGib: 5 } } }, [/machines.local.diskGib = 5/]],
    ["port 0", { machines: { local: { sshPort: 0 } } }, [/machines.local.sshPort = 0/]],
    ["one port twice", { machines: { local: { sshPort: 3000, apiPort: 3000 } } }, [/machines.local.apiPort = 3000/]],
    [
        "an image from nowhere",
        { machines: { local: { image: {} } } },
        [/machines.local.image = "neither path nor url"/],
    ],
    ["an image without digest", { machines: { local: { image: { url: "https://a/b" } } } }, [/image.sha256/]],
    ["a wrong accelerator", { machines: { local: { accelerator: "hvf" } } }, [/accelerator = "hvf"/]],
    ["no existing machine", { machines: { existing: { controlPlanes: [] } } }, [/controlPlanes = "0 machines"/]],
    [
        "an even number of control planes",
        onMachines(2, 0, { controlPlaneEndpoint: "api.example.com" }),
        [/controlPlanes = "2 machines": an even number bears the loss of no more machines.*Allowed: 1, 3 or 5/],
    ],
    [
        "seven control planes",
        onMachines(7, 0, { controlPlaneEndpoint: "api.example.com" }),
        [/controlPlanes = "7 machines"/],
    ],
    [
        "three control planes without an endpoint",
        onMachines(3, 0),
        [/kubernetes.controlPlaneEndpoint = undefined: the nodes need one address for the API of 3 control planes/],
    ],
    [
        "an endpoint with a scheme",
        onMachines(1, 0, { controlPlaneEndpoint: "https://api.example.com" }),
        [/kubernetes.controlPlaneEndpoint = "https:\/\/api.example.com"/],
    ],
    [
        "one machine as control plane and worker",
        { machines: { existing: { controlPlanes: [machine], workers: [{ ...machine, port: 22 }] } } },
        [/workers\[0\].address = "192.0.2.10:22": machines.existing.controlPlanes\[0\].address is the same machine/],
    ],
    [
        "two workers of one name, but for its case",
        withWorkers({ name: "n1", address: "192.0.2.11" }, { name: "N1", address: "192.0.2.12" }),
        [
            /workers\[1\].name = "n1": machines.existing.workers\[0\].name is the same name/,
            /workers\[1\].name = "N1": not a valid name/,
        ],
    ],
    ["a worker without host key", withWorkers({ hostKey: undefined }), [/existing.workers\[0\].hostKey/]],
    [
        "an internal address that is none",
        withWorkers({ internalAddress: "node-1" }),
        [/workers\[0\].internalAddress = "node-1"/],
    ],
    [
        "labels that kubelet may not set, and one that is no label",
        withWorkers({
            labels: { "node-role.kubernetes.io/worker": "", "kubernetes.io/team": "a", "-x": "b", ok: "not ok" },
        }),
        [
            /workers\[0\].labels\["node-role.kubernetes.io\/worker"\].*kubelet may not give/,
            /labels\["kubernetes.io\/team"\].*kubelet may not give/,
            /labels\["-x"\].*not a qualified name/,
            /labels\["ok"\] = "not ok"/,
        ],
    ],
    [
        "the label that every node has",
        withWorkers({ labels: { "katacontainers.io/kata-runtime": "false" } }),
        [/every node gets it/],
    ],
    [
        "taints that are none",
        withWorkers({
            taints: [
                { key: "a b", effect: "NoSchedule" },
                { key: "dedicated", value: "x y", effect: "Never" },
                { key: "node.kubernetes.io/unreachable", effect: "NoExecute" },
            ],
        }),
        [
            /taints\[0\].key = "a b"/,
            /taints\[1\].value = "x y"/,
            /taints\[1\].effect = "Never".*"NoSchedule", "PreferNoSchedule", "NoExecute"/,
            /taints\[2\].key = .*the control plane sets and removes this taint/,
        ],
    ],
    [
        "a taint twice",
        onLocalWorkers({
            count: 1,
            taints: [
                { key: "a", effect: "NoSchedule" },
                { key: "a", value: "b", effect: "NoSchedule" },
            ],
        }),
        [/local.workers.taints\[1\] = "a:NoSchedule": the same taint twice/],
    ],
    ["half a worker", onLocalWorkers({ count: 0.5 }), [/machines.local.workers.count = 0.5/]],
    ["a thousand workers", onLocalWorkers({ count: 1000 }), [/machines.local.workers.count = 1000/]],
    ["small workers", onLocalWorkers({ count: 1, memoryMib: 512 }), [/machines.local.workers.memoryMib = 512/]],
    [
        "an API port that is a worker's SSH port",
        { machines: { local: { sshPort: 3000, apiPort: 3002, workers: { count: 2 } } } },
        [/machines.local.apiPort = 3002: the SSH port of worker 1. Allowed: a port outside 3000 to 3002/],
    ],
    [
        "no room for workers above the SSH port",
        { machines: { local: { sshPort: 65534, workers: { count: 2 } } } },
        [/machines.local.sshPort = 65534/],
    ],
    [
        "pods on the machines' own segment",
        { ...local, kubernetes: { podCidr: "192.168.0.0/16" } },
        [/kubernetes.podCidr = "192.168.0.0\/16": it overlaps 192.168.241.0\/24/],
    ],
    ["no address", onExisting({ address: "" }), [/controlPlanes\[0\].address/]],
    ["no host key", onExisting({ hostKey: undefined }), [/controlPlanes\[0\].hostKey = undefined.*ssh-keyscan/]],
    ["a host key that is none", onExisting({ hostKey: "AAAA" }), [/controlPlanes\[0\].hostKey = "AAAA"/]],
    ["no credentials", onExisting({ privateKey: undefined }), [/controlPlanes\[0\].privateKey/]],
    [
        "a public key for a private one",
        onExisting({ privateKey: hostKey }),
        [/privateKey = "\[secret\]": not a private key/],
    ],
    ["a name in upper case", onExisting({ name: "Node_1" }), [/name = "Node_1"/]],
    ["a long name", onExisting({ name: "n".repeat(64) }), [/at most 63/]],
    [
        "first use through a bastion",
        onExisting({ hostKeyPolicy: "trust-on-first-use", bastion: machine }),
        [/hostKeyPolicy = "trust-on-first-use"/],
    ],
    ["a bastion without host key", onExisting({ bastion: { ...machine, hostKey: "" } }), [/bastion.hostKey/]],
    ["a cluster name with a space", local, [/name = "my lab"/], "my lab"],
    ["a timeout as text", { ...local, timeouts: { nodeSeconds: "10m" } }, [/timeouts.nodeSeconds = "10m"/]],
    [
        "host network",
        { ...local, untrustedPod: { spec: { hostNetwork: true, containers: [{}] } } },
        [/spec.hostNetwork/],
    ],
    [
        "all that a bad pod can ask for, at once",
        {
            ...local,
            untrustedPod: {
                annotations: { "io.katacontainers.config.hypervisor.path": "/bin/sh" },
                image: "nginx",
                spec: {
                    hostPID: true,
                    hostIPC: true,
                    nodeName: "other",
                    runtimeClassName: "runc",
                    volumes: [
                        { name: "root", hostPath: { path: "/" } },
                        { name: "share", nfs: { server: "a", path: "/" } },
                    ],
                    containers: [{ securityContext: { privileged: true, capabilities: { add: ["SYS_ADMIN"] } } }],
                },
            },
        },
        [
            /untrustedPod.annotations = "io.katacontainers/,
            /untrustedPod.image = "nginx"/,
            /spec.hostPID/,
            /spec.hostIPC/,
            /spec.nodeName/,
            /spec.runtimeClassName/,
            /spec.volumes\[0\].hostPath/,
            /spec.volumes\[1\].nfs/,
            /spec.containers\[0\].securityContext.privileged/,
            /spec.containers\[0\].securityContext.capabilities.add/,
        ],
    ],
    ["a pod without containers", { ...local, untrustedPod: { spec: {} } }, [/spec.containers/]],
];

describe("resolve", () => {
    for (const [what, args, says, name] of refused) {
        it(`refuses ${what}`, () => {
            const message = messageOf(name ?? "lab", args);
            says.forEach((expected) => assert.match(message, expected));
            for (const line of message.split("\n")) {
                assert.match(line, /^KataCluster ".*": .+ = .+: .+\. Allowed: .+\. Hint: .+\.$/s);
            }
        });
    }

    it("tells all that is wrong at once, and never a private key", () => {
        const message = messageOf("lab", {
            ...onExisting({ privateKey: "CANARY", hostKey: "" }),
            kubernetes: { version: "1", podCidr: "x", cni: "y" },
            kata: { version: "1.0.0" },
        });
        assert.equal(message.split("\n").length, 6, message);
        assert.doesNotMatch(message, /CANARY/);
    });

    const accepted: [string, KataClusterArgs][] = [
        ["a local machine", { machines: { local: {} } }],
        ["an existing machine", existing()],
        ["a password in place of a key", onExisting({ privateKey: undefined, password: "x" })],
        ["a bastion", onExisting({ bastion: machine })],
        ["trust on first use", onExisting({ hostKey: undefined, hostKeyPolicy: "trust-on-first-use" })],
        ["a worker", onMachines(1, 1)],
        ["three control planes and two workers", onMachines(3, 2, { controlPlaneEndpoint: "api.example.com:6443" })],
        [
            "labels and taints",
            withWorkers({
                labels: { "example.com/disk": "ssd", "node.kubernetes.io/instance-type": "n2", zone: "" },
                taints: [{ key: "example.com/dedicated", value: "kata", effect: "NoSchedule" }],
            }),
        ],
        [
            "one address behind two bastions",
            withWorkers(
                { bastion: { ...machine, address: "192.0.2.1" }, address: "10.0.0.1" },
                { bastion: { ...machine, address: "192.0.2.2" }, address: "10.0.0.1" },
            ),
        ],
        ["local workers", { machines: { local: { workers: { count: 3 } } } }],
        ["Kubernetes 1.35", { ...local, kubernetes: { version: "1.35.8" } }],
        ["Kubernetes 1.34", { ...local, kubernetes: { version: "1.34.11" } }],
        ["other ranges", { ...local, kubernetes: { podCidr: "192.168.0.0/17", serviceCidr: "192.168.128.0/20" } }],
        ["no pod network", { ...local, kubernetes: { cni: "none" } }],
        ["Kata 3.32", { ...local, kata: { version: "3.32.0" } }],
        ["cloud-hypervisor", { ...local, kata: { hypervisor: "clh" } }],
        ["dragonball", { ...local, kata: { hypervisor: "dragonball" } }],
        ["CRI-O", onCrio],
        ["CRI-O for Kubernetes 1.34", { ...onCrio, kubernetes: { version: "1.34.11" } }],
        ["a mirror for CRI-O", { ...onCrio, mirror: { images: "http://mirror:5000/" } }],
        ["a disruption", { ...onCrio, allowDisruption: { containerRuntime: true } }],
        ["untrusted pods by default", { ...local, trust: { defaultWorkloadTrust: "untrusted" } }],
        ["trusted namespaces", { ...local, trust: { trustedNamespaces: ["monitoring", "kube-system"] } }],
        [
            "a pod that names RuntimeClass kata",
            {
                ...local,
                untrustedPod: { spec: { runtimeClassName: "kata", containers: [{ name: "a", image: "b" }] } },
            },
        ],
        ["a mirror", { ...local, mirror: { downloads: "https://mirror/files/", images: "http://mirror:5000" } }],
        ["a release of one's own", { ...local, releases: { runc: { version: "1.4.4", sha256: { arm64: digest } } } }],
        [
            "a pod of one's own",
            { ...local, untrustedPod: { name: "web", spec: { containers: [{ name: "a", image: "b" }] } } },
        ],
    ];
    for (const [what, args] of accepted) {
        it(`takes ${what}`, () => assert.equal(resolve("lab", args).name, "lab"));
    }

    it("fills in the guide's values", () => {
        const spec = specOf();
        assert.equal(spec.kubernetes.podCidr, "10.244.0.0/16");
        assert.equal(spec.containerRuntime, "containerd");
        assert.deepEqual([spec.untrustedPod.name, spec.untrustedPod.namespace], ["nginx-untrusted", "default"]);
        assert.deepEqual(spec.warnings, []);
    });

    it("trusts the namespaces of what is installed, and no others", () => {
        const trust = { trustedNamespaces: ["monitoring", "kube-system"] };
        assert.deepEqual(specOf({ trust }).trust, {
            defaultWorkloadTrust: "trusted",
            trustedNamespaces: ["kube-flannel", "kube-system", "monitoring"],
        });
        assert.deepEqual(specOf({ kubernetes: { cni: "none" } }).trust.trustedNamespaces, ["kube-system"]);
    });

    it("warns of Kata below 4.0.0, with the advisory", () => {
        assert.match(specOf({ kata: { version: "3.32.0" } }).warnings.join(), /CVE-2026-50540/);
    });

    it("takes the CRI-O of Kubernetes' minor version, and warns of one that is a minor version apart", () => {
        for (const version of ["1.36.4", "1.35.8", "1.34.11"]) {
            const spec = specOf({ ...onCrio, kubernetes: { version } });
            assert.equal(spec.releases.crio.version.split(".")[1], version.split(".")[1]);
            assert.match(spec.releases.crio.sha256.amd64 ?? "", /^[0-9a-f]{64}$/);
            assert.deepEqual(spec.warnings, []);
        }
        const older = { crio: { version: "1.35.6", sha256: { amd64: digest } } };
        assert.match(specOf({ ...onCrio, releases: older }).warnings.join(), /releases.crio.version = "1.35.6"/);
        assert.deepEqual(specOf({ releases: older }).warnings, []);
    });

    it("never accepts ranges that overlap, whatever they are", () => {
        const range = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 12, max: 24 }));
        fc.assert(
            fc.property(range, range, ([a, bitsA], [b, bitsB]) => {
                const pods = cidr(a, bitsA);
                const services = cidr(b, bitsB);
                const shared = Math.min(bitsA, bitsB);
                const overlaps = network(a, shared) === network(b, shared);
                const attempt = () => specOf({ ...existing(), kubernetes: { podCidr: pods, serviceCidr: services } });
                if (overlaps) {
                    assert.throws(attempt, /overlaps/);
                } else {
                    attempt();
                }
            }),
        );
    });
});

function messageOf(name: string, args: object): string {
    try {
        resolve(name, args as KataClusterArgs);
    } catch (error) {
        return (error as Error).message;
    }
    return assert.fail("was not refused");
}

/** 10.N.0.0 with its host bits cleared. */
function network(n: number, bits: number): number {
    return (((10 << 24) | (n << 16)) & (-1 << (32 - bits))) >>> 0;
}

function cidr(n: number, bits: number): string {
    const address = network(n, bits);
    return `${[24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".")}/${bits}`;
}
