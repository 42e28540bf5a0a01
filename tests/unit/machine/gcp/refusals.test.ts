import * as assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { resolve } from "../../../../components/spec";
import { office, onGcp } from "../../../support/gcp";
import { hostKey as publicKey, privateKey } from "../../../support/specs";

/** Each of them is on a line of its own. */
type Refusal = [what: string, changes: object, says: RegExp[], others?: object, name?: string];

const ssh = (changes: object) => ({ ssh: { sourceRanges: [office], ...changes } });
const api = (changes: object) => ({ api: { sourceRanges: [office], ...changes } });
const machine = (changes: object) => ({ controlPlane: changes });
const workers = (...workerPools: unknown[]) => ({ workerPools });
const network = (changes: object) => ({ network: changes });

const refused: Refusal[] = [
    ["no region", { region: undefined }, [/machines.gcp.region = nothing: missing/]],
    ["a zone for a region", { region: "europe-west4-b" }, [/gcp.region = "europe-west4-b".*Hint: use "europe-west4"/]],
    ["a region in words", { region: "Europe" }, [/gcp.region = "Europe"/]],
    ["a region that is a number", { region: 4, zones: ["a"] }, [/gcp.region = 4/]],
    [
        "a zone of another region",
        { zones: ["us-east1-b"] },
        [/gcp.zones\[0\] = "us-east1-b": not a zone of europe-west4/],
    ],
    ["a zone's last letter", { zones: ["b"] }, [/gcp.zones\[0\] = "b".*"europe-west4-b"/]],
    [
        "a zone twice",
        { zones: ["europe-west4-a", "europe-west4-a"] },
        [/gcp.zones\[1\] = "europe-west4-a": the same zone twice/],
    ],
    ["no zones", { zones: [] }, [/gcp.zones = \[\]: no zone/]],
    ["a pool's zone elsewhere", workers({ name: "a", zones: ["x"] }), [/workerPools\[0\].zones\[0\] = "x"/]],
    ["a project's number", { project: 123456789012 }, [/gcp.project = 123456789012: not a text/]],
    ["a project's name", { project: "My Project" }, [/gcp.project = "My Project"/]],

    ["two control planes", machine({ count: 2 }), [/controlPlane.count = 2: an even number bears.*Allowed: 1, 3 or 5/]],
    ["seven control planes", machine({ count: 7 }), [/controlPlane.count = 7: not a number/]],
    ["control planes as text", machine({ count: "3" }), [/controlPlane.count = "3"/]],
    ["no control plane", machine({ count: 0 }), [/controlPlane.count = 0.*Hint: give one machine/]],
    ["a Spot VM with etcd", machine({ spot: true }), [/controlPlane.spot = true: there is no such argument/]],
    ["protection as text", machine({ deletionProtection: "no" }), [/deletionProtection = "no": not a boolean/]],
    ["Spot VMs as text", workers({ name: "a", spot: "yes" }), [/workerPools\[0\].spot = "yes"/]],
    ["half a worker", workers({ name: "a", count: 0.5 }), [/workerPools\[0\].count = 0.5/]],
    ["a hundred and one workers", workers({ name: "a", count: 101 }), [/count = 101.*0 to 100/]],
    ["a negative pool", workers({ name: "a", count: -1 }), [/count = -1/]],

    ["no machine type", machine({ machineType: "large" }), [/machineType = "large": not a machine type/]],
    ["a machine type that is a number", machine({ machineType: 4 }), [/machineType = 4/]],
    ["one vCPU", machine({ machineType: "n1-standard-1" }), [/"n1-standard-1": kubeadm wants 2 CPUs/, /3840 MiB/]],
    [
        "a control plane with too little memory",
        machine({ machineType: "n2-highcpu-2" }),
        [/"n2-highcpu-2": 2048 MiB of memory are too little for a control-plane of 2048 MiB.*Allowed: 4096 MiB/],
    ],
    [
        "a worker without room for its guest",
        workers({ name: "a", machineType: "n2-custom-2-2048" }),
        [/workerPools\[0\].machineType.*worker of 1024 MiB and a guest of 2048 MiB.*Allowed: 3072 MiB/],
    ],
    [
        "a machine without room for large guests",
        {},
        [/controlPlane.machineType = "n2-standard-4": 16384 MiB .* guest of 32768 MiB/],
        { kata: { guestMemoryMib: 32768 } },
    ],
    ["odd custom vCPUs", machine({ machineType: "n2-custom-3-8192" }), [/an even number of vCPUs/]],
    ["odd custom memory", machine({ machineType: "n2-custom-4-8000" }), [/in steps of 256 MiB/]],
    ["too much custom memory", machine({ machineType: "n2-custom-2-65536" }), [/from 0.5 to 8 GiB/]],
    ["a custom C3", machine({ machineType: "c3-custom-4-8192" }), [/family c3 has no custom machine types/]],
    ["bare metal", machine({ machineType: "c3-standard-192-metal" }), [/a bare metal machine/]],
    [
        "a CPU platform but for N1",
        machine({ minCpuPlatform: "Intel Ice Lake" }),
        [/minCpuPlatform = "Intel Ice Lake": every machine of family n2 is new enough/],
    ],
    [
        "an N1 older than Haswell",
        machine({ machineType: "n1-standard-4", minCpuPlatform: "Intel Ivy Bridge" }),
        [/minCpuPlatform = "Intel Ivy Bridge": nested virtualization needs Haswell/],
    ],
    ["an unknown image", machine({ imageFamily: "cos-stable" }), [/imageFamily = "cos-stable".*"debian-12"/]],
    ["a small disk", machine({ diskGib: 10 }), [/diskGib = 10: images and Kata do not fit.*from 20 on/]],
    ["a disk as text", machine({ diskGib: "50GB" }), [/diskGib = "50GB"/]],
    ["a disk of 100 TiB", machine({ diskGib: 102400 }), [/diskGib = 102400: no disk is that large/]],
    ["an unknown disk", machine({ diskType: "ssd" }), [/diskType = "ssd": not a known value/]],
    [
        "a Persistent Disk for N4",
        machine({ machineType: "n4-standard-4", diskType: "pd-balanced" }),
        [/diskType = "pd-balanced": family n4 does not boot from it. Allowed: "hyperdisk-balanced"/],
    ],
    [
        "a hyperdisk for N2",
        machine({ diskType: "hyperdisk-balanced" }),
        [/family n2 does not boot from it. Allowed: "pd-balanced", "pd-ssd", "pd-standard"/],
    ],

    ["a pool without a name", workers({}), [/workerPools\[0\].name = nothing/]],
    ["a pool in upper case", workers({ name: "Big" }), [/workerPools\[0\].name = "Big"/]],
    [
        "a pool with the control planes' name",
        workers({ name: "control-plane" }),
        [/name = "control-plane": other machines/],
    ],
    ["a pool with the bastion's name", workers({ name: "bastion" }), [/name = "bastion": other machines/]],
    ["two pools of one name", workers({ name: "a" }, { name: "a" }), [/workerPools\[1\].name = "a": another pool/]],
    [
        "a pool whose machines' names are too long",
        workers({ name: "n".repeat(50), count: 11 }),
        [/lab-n{50}-10-1234567, as Pulumi names its last machine, .* Allowed: 2 fewer/],
    ],
    ["a cluster whose name is too long", {}, [/name = "c{40}": .* Allowed: at most 39 characters/], {}, "c".repeat(40)],
    [
        "a cluster whose name begins with a digit",
        {},
        [/name = "1lab": names on Google Cloud begin with a letter/],
        {},
        "1lab",
    ],
    [
        "labels that kubelet may not set",
        workers({ name: "a", labels: { "kubernetes.io/x": "y" } }),
        [/workerPools\[0\].labels\["kubernetes.io\/x"\].*kubelet may not/],
    ],
    [
        "a taint that is none",
        workers({ name: "a", taints: [{ key: "a", effect: "No" }] }),
        [/taints\[0\].effect = "No"/],
    ],

    ["a subnet that is none", network({ subnetCidr: "10.80" }), [/network.subnetCidr = "10.80": not an IPv4 range/]],
    ["a subnet with host bits", network({ subnetCidr: "10.80.0.1/20" }), [/Hint: use "10.80.0.0\/20"/]],
    ["a public subnet", network({ subnetCidr: "8.8.0.0/20" }), [/subnetCidr = "8.8.0.0\/20": not a private range/]],
    ["a subnet half private", network({ subnetCidr: "172.0.0.0/11" }), [/not a private range/]],
    ["a tiny subnet", network({ subnetCidr: "10.80.0.0/30" }), [/a prefix length from 8 to 28/]],
    [
        "a subnet that the machines do not fit in",
        { ...network({ subnetCidr: "10.80.0.0/28" }), ...workers({ name: "a", count: 11 }) },
        [/too small for 13 addresses, and 4 that Google keeps. Allowed: a prefix length from 8 to 27/],
    ],
    [
        "a small proxy subnet",
        { ...machine({ count: 3 }), ...network({ proxySubnetCidr: "10.80.16.0/27" }) },
        [/proxySubnetCidr = "10.80.16.0\/27": too small for the load balancer's proxies/],
    ],
    [
        "a subnet over the proxies",
        { ...machine({ count: 3 }), ...network({ subnetCidr: "10.80.0.0/16" }) },
        [/proxySubnetCidr = "10.80.16.0\/23": it overlaps machines.gcp.network.subnetCidr 10.80.0.0\/16/],
    ],
    [
        "a subnet over pods",
        network({ subnetCidr: "10.244.0.0/20" }),
        [/subnetCidr = .*: it overlaps kubernetes.podCidr 10.244.0.0\/16/],
    ],
    [
        "services over the subnet",
        {},
        [/subnetCidr = "10.80.0.0\/20": it overlaps kubernetes.serviceCidr 10.80.0.0\/16/],
        { kubernetes: { serviceCidr: "10.80.0.0/16" } },
    ],
    [
        "pods over the proxies",
        machine({ count: 3 }),
        [/proxySubnetCidr = .*: it overlaps kubernetes.podCidr 10.80.16.0\/20/],
        { kubernetes: { podCidr: "10.80.16.0/20" } },
    ],
    [
        "services over the proxies",
        machine({ count: 3 }),
        [/proxySubnetCidr = .*: it overlaps kubernetes.serviceCidr 10.80.16.0\/20/],
        { kubernetes: { serviceCidr: "10.80.16.0/20" } },
    ],
    [
        "an endpoint of the API, for it makes its own",
        {},
        [/kubernetes.controlPlaneEndpoint = "api.example.com": machines.gcp makes the address/],
        { kubernetes: { controlPlaneEndpoint: "api.example.com" } },
    ],

    [
        "SSH for everybody",
        ssh({ sourceRanges: ["0.0.0.0/0"] }),
        [/ssh.sourceRanges\[0\].*dangerouslyAllowTheWholeInternet/],
    ],
    [
        "SSH for half of everybody",
        ssh({ sourceRanges: ["0.0.0.0/1", "128.0.0.0/1"] }),
        [/\[0\].*large/, /\[1\].*large/],
    ],
    ["an API for everybody", api({ sourceRanges: ["0.0.0.0/0"] }), [/api.sourceRanges\[0\] = "0.0.0.0\/0": anybody/]],
    ["an address without a prefix", api({ sourceRanges: ["203.0.113.7"] }), [/use "203.0.113.7\/32"/]],
    ["IPv6", api({ sourceRanges: ["::/0"] }), [/api.sourceRanges\[0\] = "::\/0": not an IPv4 range/]],
    ["a range with host bits", api({ sourceRanges: ["203.0.113.7/24"] }), [/"203.0.113.0\/24", or "203.0.113.7\/32"/]],
    ["a range without a list", api({ sourceRanges: office }), [/api.sourceRanges = "203.0.113.0\/24": not a list/]],
    ["an API for nobody", api({ sourceRanges: [] }), [/api.sourceRanges = \[\]: nobody but the nodes/]],
    ["no API at all", { api: undefined }, [/api.sourceRanges = nothing: nobody/]],
    ["an inner API for nobody", { api: { public: false } }, [/api.sourceRanges = nothing.*that Pulumi runs in/]],
    ["a bastion for nobody", { ssh: {} }, [/ssh.sourceRanges = nothing: nobody could log in.*via: "iap"/]],
    ["machines for nobody", { ssh: { via: "direct" } }, [/ssh.sourceRanges = nothing: .*that Pulumi runs in/]],
    ["ranges for iap", ssh({ via: "iap" }), [/ssh.sourceRanges = .*Identity-Aware Proxy only/]],
    ["an unknown way", ssh({ via: "vpn" }), [/ssh.via = "vpn".*"bastion", "iap", "direct"/]],
    ["a tunnel to a bastion", ssh({ tunnelPort: 22122 }), [/ssh.tunnelPort = 22122: via "bastion" has no tunnel/]],
    ["a tunnel's port as text", { ssh: { via: "iap", tunnelPort: "x" } }, [/ssh.tunnelPort = "x": not a number/]],
    [
        "a bastion that is not there",
        ssh({ via: "direct", bastionMachineType: "e2-small" }),
        [/bastionMachineType = "e2-small": via "direct" has no bastion/],
    ],
    ["an Arm bastion", ssh({ bastionMachineType: "t2a-standard-1" }), [/bastionMachineType = "t2a-standard-1"/]],
    ["a bastion on hyperdisk", ssh({ bastionMachineType: "n4-standard-2" }), [/bastionMachineType = "n4-standard-2"/]],
    ["root", ssh({ user: "root" }), [/ssh.user = "root": Google's images let nobody log in as root/]],
    ["a user with a space", ssh({ user: "kata admin" }), [/ssh.user = "kata admin": not a name of a user/]],
    ["a user with a key in it", ssh({ user: "a:ssh-rsa" }), [/ssh.user = "a:ssh-rsa"/]],
    [
        "a private key alone",
        ssh({ privateKey }),
        [/ssh.publicKey = "nothing": it belongs to machines.gcp.ssh.privateKey/],
    ],
    [
        "a public key alone",
        ssh({ publicKey }),
        [/ssh.privateKey = "nothing": it belongs to machines.gcp.ssh.publicKey/],
    ],
    [
        "keys that are mixed up",
        ssh({ privateKey: publicKey, publicKey: privateKey }),
        [/ssh.privateKey = "\[secret\]": not a private key/, /ssh.publicKey = "\[secret\]": not a public key/],
    ],
    [
        "two public keys in one",
        ssh({ privateKey, publicKey: `${publicKey}\nroot:${publicKey}` }),
        [/ssh.publicKey = .*: not a public key/],
    ],

    ["a label in upper case", { labels: { Team: "a" } }, [/gcp.labels\["Team"\] = "Team": not a name/]],
    ["a label of Google's", { labels: { "goog-x": "a" } }, [/labels\["goog-x"\]/]],
    [
        "the cluster's label",
        { labels: { "kata-cluster": "a" } },
        [/labels\["kata-cluster"\] = "a": every resource has it/],
    ],
    ["a label's value with a space", { labels: { team: "a b" } }, [/labels\["team"\] = "a b": not a value/]],
    ["a label that is a number", { labels: { team: 7 } }, [/labels\["team"\] = 7: not a text/]],
    [
        "63 labels",
        { labels: Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`l${i}`, ""])) },
        [/gcp.labels = "63 labels": too many.*at most 62/],
    ],
];

describe("machines on Google Cloud", () => {
    for (const [what, changes, says, others, name = "lab"] of refused) {
        it(`are not made with ${what}`, () => {
            const lines = linesOf(name, onGcp(changes, others));
            assert.equal(lines.length, says.length, lines.join("\n"));
            for (const expected of says) {
                assert.ok(
                    lines.some((line) => expected.test(line)),
                    `${expected} in\n${lines.join("\n")}`,
                );
            }
            for (const line of lines) {
                assert.match(line, /^KataCluster ".*": \S+( \S+)* = .+: .+\. Allowed: .+\. Hint: .+\.$/s);
                assert.doesNotMatch(line, /undefined (of|for|in)|NaN|\[object|CANARY/);
            }
        });
    }

    it("are told of all that is wrong at once", () => {
        const changes = {
            ...{ region: "x", ...machine({ count: 2, machineType: "e2-medium", diskGib: 1 }) },
            ...{ ...ssh({ user: "root" }), ...api({ sourceRanges: [] }), ...workers({ name: "A" }) },
        };
        assert.equal(linesOf("lab", onGcp(changes)).length, 7);
    });

    /** What a configuration file could hold in place of each setting. */
    const anything = [null, true, 7, "text", [], [null], ["text"], {}, { a: 1 }];
    const settings = [
        ...["project", "region", "zones", "controlPlane", "workerPools", "network", "ssh", "api", "labels"],
        ...["machineType", "count", "minCpuPlatform", "imageFamily", "diskGib", "diskType", "labels", "taints"].map(
            (key) => `controlPlane.${key}`,
        ),
        ...["subnetCidr", "proxySubnetCidr", "dangerouslyAllowTheWholeInternet"].map((key) => `network.${key}`),
        ...["via", "sourceRanges", "tunnelPort", "bastionMachineType", "user", "privateKey", "publicKey"].map(
            (key) => `ssh.${key}`,
        ),
        ...["public", "sourceRanges"].map((key) => `api.${key}`),
    ];
    for (const setting of settings) {
        it(`take or refuse, and never fail by, anything as ${setting}`, () => {
            for (const value of anything) {
                const [outer, inner] = setting.split(".") as [string, string?];
                const several = outer === "network" ? machine({ count: 3 }) : {};
                const args = onGcp({ ...several, [outer]: inner === undefined ? value : { [inner]: value } });
                try {
                    resolve("lab", args);
                } catch (error) {
                    assert.ok(
                        pulumi.InputPropertiesError.isInstance(error),
                        `${setting}: ${String((error as Error).stack)}`,
                    );
                }
            }
        });
    }

    for (const value of [null, true, 7, "europe-west4", []]) {
        it(`are not made of ${JSON.stringify(value)}`, () => {
            assert.throws(
                () => resolve("lab", { machines: { gcp: value } } as never),
                /machines.gcp = .*: not an object|machines = nothing: exactly one kind/,
            );
        });
    }
});

function linesOf(name: string, args: ReturnType<typeof onGcp>): string[] {
    try {
        resolve(name, args);
    } catch (error) {
        return (error as Error).message.split(/\n(?=KataCluster )/);
    }
    return assert.fail("was not refused");
}
