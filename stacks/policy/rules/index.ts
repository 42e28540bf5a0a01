import { Rule } from "../rule";
import { hostKeyPinned } from "./hostKeyPinned";
import { kataAdvised, kataRelease } from "./kataRelease";
import { nestedVirtualization } from "./nestedVirtualization";
import { noPlainSecret } from "./noPlainSecret";
import { noWorldOpenFirewall } from "./noWorldOpenFirewall";
import { pinnedDownloads } from "./pinnedDownloads";

/** Every rule of the pack, in the order of the table in the README. */
export const rules: Rule[] = [
    hostKeyPinned,
    noWorldOpenFirewall,
    noPlainSecret,
    nestedVirtualization,
    pinnedDownloads,
    kataRelease,
    kataAdvised,
];
