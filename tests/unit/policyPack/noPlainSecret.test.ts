import * as assert from "node:assert/strict";
import { Secret } from "@pulumi/policy";
import { noPlainSecret } from "../../../stacks/policy/rules/noPlainSecret";
import { privateKey } from "../../support/specs";
import { assertFound, violations } from "./rules";

const found = (type: string, inputs: object) => violations(noPlainSecret, type, inputs as Record<string, unknown>);
const remote = (inputs: object) => found("command:remote:Command", { create: "true", ...inputs });
const kubeconfig = `users: [{ user: { client-key-data: ${Buffer.from(privateKey).toString("base64")} } }]`;
const jwt = `${Buffer.from('{"alg":"RS256"}').toString("base64url")}.${Buffer.from('{"sub":"admin"}').toString("base64url")}.c2lnbmF0dXJl`;

describe("policy no-plain-secret", () => {
    it("lets secrets pass that are marked as such, and what only speaks of them", () => {
        assert.deepEqual(remote({ stdin: new Secret(privateKey), connection: new Secret({ password: "x" }) }), []);
        assert.deepEqual(remote({ connection: { user: "root", password: new Secret("x") } }), []);
        assert.deepEqual(
            remote({ stdin: "grep -q 'BEGIN OPENSSH PRIVATE KEY-----' key && echo \"client-key-data:\"" }),
            [],
        );
        assert.deepEqual(remote({ connection: { password: "" } }), []);
        assert.deepEqual(found("pulumi:providers:kubernetes", { kubeconfig: new Secret(kubeconfig) }), []);
        assert.deepEqual(found("kubernetes:core/v1:Pod", { spec: { volumes: [{ secret: { secretName: "x" } }] } }), []);
    });

    it("refuses what looks like a secret and is in clear, wherever it is", () => {
        assertFound(remote({ stdin: `first\n${privateKey}` }), /^stdin holds a private key in clear/);
        assertFound(remote({ triggers: [1, { key: privateKey }] }), /^triggers\[1\]\.key holds a private key in clear/);
        assertFound(found("command:remote:CopyToRemote", { source: { text: privateKey } }), /^source\.text holds/);
        assertFound(
            found("pulumi:providers:kubernetes", { kubeconfig }),
            /^kubeconfig holds a kubeconfig's client key/,
        );
        assertFound(remote({ stdin: `{"client-key-data":"${"A".repeat(40)}"}` }), /a kubeconfig's client key/);
        assertFound(remote({ stdin: "kubeadm join --token abcdef.0123456789abcdef" }), /a bootstrap token in clear/);
        assertFound(remote({ stdin: `Authorization: Bearer ${jwt}` }), /a JSON web token/);
        assertFound(remote({ stdin: `AKIA${"A".repeat(16)}` }), /a cloud's access key/);
        assertFound(remote({ stdin: "curl https://user:opensesame@mirror.example.com/x" }), /a URL with a password/);
    });

    it("refuses what an input's name calls a secret", () => {
        assertFound(remote({ connection: { password: "x" } }), /^connection\.password holds a secret in clear/);
        assertFound(
            found("kata-cluster:index:KataCluster", {
                machines: { existing: { controlPlanes: [{ privateKey: "x" }] } },
            }),
            /^machines\.existing\.controlPlanes\[0\]\.privateKey holds a secret in clear/,
        );
    });

    it("refuses even a marked one where others can read it", () => {
        const key = new Secret(privateKey);
        assertFound(remote({ create: new Secret(`echo '${privateKey}' >key`) }), /^create holds a private key: every/);
        assertFound(remote({ delete: key }), /^delete holds/);
        assertFound(
            remote({ environment: { REGISTRY_PASSWORD: new Secret("x") } }),
            /^environment\.REGISTRY_PASSWORD holds/,
        );
        assertFound(remote({ environment: new Secret({ SSH_KEY: privateKey }) }), /^environment\.SSH_KEY holds/);
        const instance = "gcp:compute/instance:Instance";
        assertFound(found(instance, { metadata: { "user-data": key } }), /^metadata\.user-data holds/);
        assertFound(found(instance, { metadataStartupScript: key }), /^metadataStartupScript holds/);
        assertFound(found(instance, { labels: { key } }), /^labels\.key holds/);
        assertFound(found("kubernetes:core/v1:ConfigMap", { data: { key } }), /^data\.key holds/);
        assertFound(
            found("kubernetes:core/v1:Pod", { metadata: { annotations: { key: new Secret(jwt) } } }),
            /^metadata\.annotations\.key holds/,
        );
    });

    it("never tells the secret itself", () => {
        const all = [
            ...remote({ stdin: privateKey, create: privateKey, environment: { TOKEN: "opensesame" } }),
            ...remote({ connection: { password: "opensesame" } }),
        ];
        assert.equal(all.length, 4);
        assert.doesNotMatch(all.join(), /CANARY|opensesame/);
    });
});
