import { Stored } from "../cloud";

/** A line of the metadata `ssh-keys`: https://cloud.google.com/compute/docs/connect/add-ssh-keys */
export interface MetadataKey {
    user: string;
    /** `ssh-ed25519 AAAA…`, without a comment. */
    publicKey: string;
}

/** The users and keys that an instance's metadata lets in. */
export function metadataKeys(instance: Stored | undefined): MetadataKey[] {
    const metadata = (instance?.inputs.metadata ?? {}) as Record<string, string>;
    return (metadata["ssh-keys"] ?? "").split("\n").flatMap((line) => {
        const [, user, publicKey] = /^([^:\s]+):(\S+ \S+)/.exec(line.trim()) ?? [];
        return user && publicKey ? [{ user, publicKey }] : [];
    });
}

/** The keys of one user. */
export function authorizedKeys(instance: Stored | undefined, user: string): string[] {
    return metadataKeys(instance)
        .filter((key) => key.user === user)
        .map(({ publicKey }) => publicKey);
}
