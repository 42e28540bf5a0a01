/** A cloud image: a disk with cloud-init, at a dated address, and the digest of what lies there. */
export interface CloudImage {
    url: string;
    /** SHA-512 in hexadecimal: what Debian publishes. */
    sha512?: string;
    /** SHA-256 in hexadecimal: what Ubuntu publishes. */
    sha256?: string;
}

/** The systems that a local machine can boot without an image of one's own. */
export type CloudImageName = "debian-12" | "debian-13" | "ubuntu-22.04" | "ubuntu-24.04";

/**
 * The image that a machine boots by default. Its kernel, 6.1, is of the age of the QEMU that nested guests were tried
 * with.
 */
export const defaultCloudImage: CloudImageName = "debian-12";

/**
 * Pinned cloud images, by system and architecture.
 *
 * Addresses and digests were recorded by the Lima project (github.com/lima-vm/lima, `templates/_images/*.yaml`, commit
 * 6a9ec35b196dbd5a0628276f025c42042497da6b of 2026-07-18), which boots virtual machines from them. The builds are
 * Debian's of 2026-07-12 and Ubuntu's of 2026-07-05. Both projects remove dated builds after some months: when an
 * address is gone, take a newer build's with its digest, or name it in `machines.local.image`.
 */
export const cloudImages: Record<CloudImageName, Record<"amd64" | "arm64", CloudImage>> = {
    "debian-12": {
        amd64: {
            url: "https://cloud.debian.org/images/cloud/bookworm/20260712-2537/debian-12-genericcloud-amd64-20260712-2537.qcow2",
            sha512: "6c2607f1846ee86040830c87d0b723f0967da3e884ea4673d9db4aa8eee13a4b7c663524bfa42082c16fc6919f3aa1bf425c004d07ff06c53a319ad0c42647bb",
        },
        arm64: {
            url: "https://cloud.debian.org/images/cloud/bookworm/20260712-2537/debian-12-genericcloud-arm64-20260712-2537.qcow2",
            sha512: "52eb678130e85a9bf9f3cf4f7181e060fa60a5db45373717474c5ff9305645c5e6cab8b05ca042bcfa7921d2ca29cf9fd2e815f75abe2d168557ad7207af127b",
        },
    },
    "debian-13": {
        amd64: {
            url: "https://cloud.debian.org/images/cloud/trixie/20260712-2537/debian-13-genericcloud-amd64-20260712-2537.qcow2",
            sha512: "7ae53e9dbee282bfc16f289dec483dde3a8598769c38a267948310f7a2a52c662620198603bc52c142627efba379863d16079698a10b34102d55bcedd40e8d32",
        },
        arm64: {
            url: "https://cloud.debian.org/images/cloud/trixie/20260712-2537/debian-13-genericcloud-arm64-20260712-2537.qcow2",
            sha512: "8543d795f2fde630eb66c492f245a8c1da19dedc636e0a8e7b3d0f95920e1a05aa911ef2d82d177d41cc53ced5fccbd2a3945d07fa5e15018914c4d864bb07ed",
        },
    },
    "ubuntu-22.04": {
        amd64: {
            url: "https://cloud-images.ubuntu.com/releases/jammy/release-20260705/ubuntu-22.04-server-cloudimg-amd64.img",
            sha256: "ec3cdc1bf496078f645ccc8ac823e17609658753477ebc4e5fb730729ac5b434",
        },
        arm64: {
            url: "https://cloud-images.ubuntu.com/releases/jammy/release-20260705/ubuntu-22.04-server-cloudimg-arm64.img",
            sha256: "9c2ddc65079f9a285ca7c9efabdee6d58ff7dd2b08a130114426d2020506db7a",
        },
    },
    "ubuntu-24.04": {
        amd64: {
            url: "https://cloud-images.ubuntu.com/releases/noble/release-20260705/ubuntu-24.04-server-cloudimg-amd64.img",
            sha256: "ffe6203da54deeb6db5d2a98a83f9ec8e55f149d3f7ba622e1abe5fa966ee3d6",
        },
        arm64: {
            url: "https://cloud-images.ubuntu.com/releases/noble/release-20260705/ubuntu-24.04-server-cloudimg-arm64.img",
            sha256: "7df0201546f75b8bcc1044594c806c35749421ad3c9bc1be2a3ab806cfae39cc",
        },
    },
};
