import { needPackages } from "../../stacks/local/packages";

/** Programs that the tests run, and Debian's packages that bring them. */
const testPrograms = {
    bats: "bats",
    shellcheck: "shellcheck",
    shfmt: "shfmt",
    jq: "jq",
    curl: "curl",
    zstd: "zstd",
    perl: "perl",
    python3: "python3",
    ip: "iproute2",
    "/usr/sbin/nft": "nftables",
    "qemu-img": "qemu-utils",
    genisoimage: "genisoimage",
    "ssh-keygen": "openssh-client",
};

/** @throws if something is missing and cannot be installed here, with how to get it. */
export function needTestPackages(log: (line: string) => void) {
    needPackages(testPrograms, log);
}
