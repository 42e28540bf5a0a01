import * as assert from "node:assert/strict";
import { parse } from "yaml";
import { userKubeconfig } from "../../../components/cluster/controlPlane";

const adminConf = `apiVersion: v1
clusters: [{ name: kubernetes, cluster: { certificate-authority-data: Q0E=, server: "https://10.0.2.15:6443" } }]
users: [{ name: kubernetes-admin, user: { client-certificate-data: Q0VSVA==, client-key-data: S0VZ } }]
`;

interface Config {
    clusters: unknown[];
    users: { user: unknown }[];
    "current-context": string;
}

describe("userKubeconfig", () => {
    it("keeps the credentials and names the server as the user reaches it", () => {
        const config = parse(userKubeconfig(adminConf, "127.0.0.1:26443", "lab")) as Config;
        assert.deepEqual(config.clusters, [
            { name: "lab", cluster: { "certificate-authority-data": "Q0E=", server: "https://127.0.0.1:26443" } },
        ]);
        assert.equal(config["current-context"], "lab");
        assert.deepEqual(config.users[0]?.user, {
            "client-certificate-data": "Q0VSVA==",
            "client-key-data": "S0VZ",
        });
    });

    for (const empty of ["", "\n", "apiVersion: v1", "clusters: []\nusers: []"]) {
        it(`refuses ${JSON.stringify(empty)}, for which the provider would take the user's own cluster`, () =>
            assert.throws(() => userKubeconfig(empty, "127.0.0.1:1", "lab"), /gave no kubeconfig/));
    }
});
