import { Needed, needPackages } from "./packages";

const arm = process.arch === "arm64";

/** Programs that a local machine needs, and Debian's packages that bring them. */
const machinePrograms: Needed = {
    [arm ? "qemu-system-aarch64" : "qemu-system-x86_64"]: arm ? "qemu-system-arm" : "qemu-system-x86",
    "qemu-img": "qemu-utils",
    genisoimage: "genisoimage",
    "ssh-keygen": "openssh-client",
    curl: "curl",
    jq: "jq",
};

/** @throws if something is missing and cannot be installed here, with how to get it. */
export function needHostPackages(log: (line: string) => void) {
    needPackages(machinePrograms, log);
}
