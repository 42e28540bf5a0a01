import { Problems } from "./problems";

/** A private key, in a form that Pulumi's SSH client reads. An output is judged where it is used. */
export function privateKeyForm(problems: Problems, path: string, value: unknown) {
    problems.check(
        typeof value !== "string" || /^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(value.trim()),
        path,
        "[secret]",
        "not a private key",
        "a PEM or OpenSSH private key, from its BEGIN line on",
        "give the file without .pub, for example ~/.ssh/id_ed25519",
    );
}

/** A public key on one line, as in authorized_keys. An output is judged where it is used. */
export function publicKeyForm(problems: Problems, path: string, value: unknown) {
    problems.check(
        typeof value !== "string" ||
            /^(ssh-(ed25519|rsa)|ecdsa-sha2-\S+) [A-Za-z0-9+/=]{32,}( [^\n]*)?\n?$/.test(value),
        path,
        // Whoever mixes the two up does not want to see the private one.
        String(value).includes("PRIVATE KEY") ? "[secret]" : value,
        "not a public key",
        '"ssh-ed25519 AAAA…", ssh-rsa or ecdsa-sha2, on one line',
        "give the .pub file's text, for example that of ~/.ssh/id_ed25519.pub",
    );
}
