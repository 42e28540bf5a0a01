import { isObject } from "../inputs";
import { Resource, Rule } from "../rule";

/** A connection without a host key talks to whoever answers, and gives them what it carries. */
export const hostKeyPinned: Rule = {
    name: "host-key-pinned",
    description: "Every SSH connection, and that of its bastion, is to a pinned host key.",
    enforcement: "mandatory",
    violations: ({ type, inputs }: Resource) =>
        type.startsWith("command:remote:") ? unpinned("connection", inputs.connection) : [],
};

function unpinned(path: string, connection: unknown): string[] {
    if (!isObject(connection)) {
        return [];
    }
    const { hostKey, proxy } = connection;
    const pinned = typeof hostKey === "string" && hostKey.trim() !== "";
    return [
        ...(pinned
            ? []
            : [
                  `${path}.hostKey is not set: whoever answers at that address is trusted with what is sent. Fix: give the host key, as ssh-keyscan -t ed25519 prints it over a network that you trust`,
              ]),
        ...unpinned(`${path}.proxy`, proxy),
    ];
}
