import { Text, textsIn } from "../inputs";
import { Resource, Rule } from "../rule";

/** What secrets look like. */
const looks: Record<string, RegExp> = {
    "a private key": /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s+\S/,
    "a kubeconfig's client key": /client-key-data["']?:\s*["']?[A-Za-z0-9+/]{16}/,
    "a bootstrap token": /\btoken["']?[:=\s]\s*["']?[a-z0-9]{6}\.[a-z0-9]{16}\b/i,
    "a JSON web token": /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/,
    "a cloud's access key": /\b(?:AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}|gh[pousr]_[A-Za-z0-9]{36})\b/,
    "a URL with a password": /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@'"$]+:[^\s:/@'"$]+@/i,
};

/** Names of inputs, and of variables, that hold secrets whatever they look like. */
const secretInput = /^(?:password|passphrase|privateKey|privateKeyPassword|privateKeyPem|clientKeyData|accessToken)$/;
const secretVariable = /(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|PRIVATE_KEY|API_KEY|ACCESS_KEY)$/;

/** Where others can read a value though the state has it encrypted. */
const open: { type: RegExp; path: RegExp; who: string; instead: string }[] = [
    {
        type: /^command:(?:local|remote):Command$/,
        path: /^(?:create|update|delete)$/,
        who: "every process of that machine can read a command line",
        instead: "hand it over on stdin",
    },
    {
        type: /^command:(?:local|remote):Command$/,
        path: /^environment\./,
        who: "every child process has it, and on another machine the command line too",
        instead: "hand it over on stdin",
    },
    {
        type: /^gcp:compute\/instance/,
        path: /^metadata(?:StartupScript$|\.)/,
        who: "every process on the instance, and every pod, can read its metadata",
        instead: "make it on the instance, or hand it over by SSH",
    },
    {
        type: /^gcp:|^kubernetes:/,
        path: /(?:^|\.)(?:labels|annotations|tags)\./,
        who: "whoever may list the objects can read it",
        instead: "keep it in a Secret",
    },
    {
        type: /^kubernetes:core\/v1:ConfigMap$/,
        path: /^(?:data|binaryData)\./,
        who: "it is not kept as a secret in the cluster",
        instead: "use a Secret",
    },
];

/** Secrets that are in clear in state and previews, and those in places where even a secret input is readable. */
export const noPlainSecret: Rule = {
    name: "no-plain-secret",
    description: "Secrets are marked as such, and in no place that others can read.",
    enforcement: "mandatory",
    seesSecrets: true,
    violations: (resource: Resource) =>
        textsIn(resource.inputs).flatMap((one) => {
            const what = secretIn(one);
            return what === undefined ? [] : judged(resource.type, one, what);
        }),
};

function secretIn({ key, text, path }: Text): string | undefined {
    const named = text !== "" && (secretInput.test(key) || (/environment\./.test(path) && secretVariable.test(key)));
    return Object.entries(looks).find(([, pattern]) => pattern.test(text))?.[0] ?? (named ? "a secret" : undefined);
}

/** The text itself is never told. */
function judged(type: string, { path, secret }: Text, what: string): string[] {
    const place = open.find((one) => one.type.test(type) && one.path.test(path));
    if (place) {
        return [`${path} holds ${what}: ${place.who}. Fix: ${place.instead}`];
    }
    return secret
        ? []
        : [
              `${path} holds ${what} in clear, and so do the state and this preview. Fix: pulumi.secret(…) or config.requireSecret(…), and exchange it, for it has been seen`,
          ];
}
