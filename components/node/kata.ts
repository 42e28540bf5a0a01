import { stringify } from "smol-toml";
import { Hypervisor, KataShim } from "../args";
import { Files } from "../bundle";
import { ClusterSpec, KataSpec } from "../spec";

/** Where the nodes keep Kata's configuration: a copy of the release's own, with our drop-ins beside it. */
export const kataConfiguration = "/etc/kata-cluster/kata/configuration.toml";

const defaults = "/opt/kata/share/defaults/kata-containers";

/** Names of the configurations that a release brings, by shim and hypervisor. */
const configurations: Record<KataShim, Partial<Record<Hypervisor, string>>> = {
    rust: {
        qemu: "runtime-rs/configuration-qemu-runtime-rs.toml",
        clh: "runtime-rs/configuration-clh-runtime-rs.toml",
        dragonball: "runtime-rs/configuration-dragonball.toml",
    },
    go: { qemu: "configuration-qemu.toml", clh: "configuration-clh.toml" },
};

/** Paths inside a Kata release: https://github.com/kata-containers/kata-containers/blob/main/docs/installation.md */
export function kataPaths(kata: KataSpec): { shim: string; configuration: string } {
    return {
        shim: `/opt/kata/${kata.shim === "rust" ? "runtime-rs/" : ""}bin/containerd-shim-kata-v2`,
        configuration: `${defaults}/${configurations[kata.shim][kata.hypervisor]}`,
    };
}

/** Upper bounds that also hold on an emulated node, where a guest takes minutes to boot. Seconds. */
const patience = { agent: 300, createContainer: 600 };

/** Our drop-ins. The scripts install the second one only on a node that is itself emulated. */
export function kataFiles(spec: ClusterSpec): Files {
    const { kata } = spec;
    const directory = "files/etc/kata-cluster/kata";
    return {
        [`${directory}/config.d/50-kata-cluster.toml`]: dropIn(kata),
        [`${directory}/emulated.d/60-emulated.toml`]: stringify({
            hypervisor: { [kata.hypervisor]: { default_memory: kata.emulatedGuestMemoryMib } },
        }),
    };
}

/**
 * No annotation of a pod is let through, and the guest's seccomp filter is on: both are the other way round in Kata's
 * own configuration. The two shims spell their timeouts differently.
 */
function dropIn(kata: KataSpec): string {
    const timeouts =
        kata.shim === "rust"
            ? {
                  agent: {
                      kata: {
                          reconnect_timeout_ms: patience.agent * 1000,
                          create_container_timeout: patience.createContainer,
                      },
                  },
                  runtime: { disable_guest_seccomp: false },
              }
            : {
                  agent: { kata: { dial_timeout: patience.agent } },
                  runtime: { create_container_timeout: patience.createContainer, disable_guest_seccomp: false },
              };
    return stringify({
        hypervisor: { [kata.hypervisor]: { default_memory: kata.guestMemoryMib, enable_annotations: [] } },
        ...timeouts,
    });
}
