import { execFile, execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { kubeadmConfig } from "../../components/cluster/kubeadmConfig";
import { findProgram } from "./programs";
import { specOf } from "./specs";

/** Keys where kubeadm has them. */
export function makeKeys(folder: string) {
    for (const name of ["ca", "front-proxy-ca", "etcd/ca"]) {
        fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
        execFileSync(
            "openssl",
            [
                ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365"],
                ...[
                    "-subj",
                    `/CN=${name.replace("/", "-")}`,
                    "-keyout",
                    `${folder}/${name}.key`,
                    "-out",
                    `${folder}/${name}.crt`,
                ],
            ],
            { stdio: "ignore" },
        );
    }
    fs.writeFileSync(`${folder}/sa.key`, "key of service accounts");
    fs.writeFileSync(`${folder}/sa.pub`, "public key of service accounts");
}

/** What kubeadm has put into the cluster that began on `first`: here by the real one, but for what needs its files. */
export async function kubeadmFurniture(folder: string, kubeconfig: string, first: string) {
    const kubeadm = findProgram("kubeadm");
    if (!kubeadm) {
        return;
    }
    const config = path.join(folder, "kubeadm.yaml");
    fs.writeFileSync(config, kubeadmConfig(specOf(), { name: first, labels: {}, taints: [] }, { names: [] }));
    for (const phase of [["upload-config", "kubeadm"], ["upload-config", "kubelet"], ["bootstrap-token"]]) {
        await promisify(execFile)(
            kubeadm,
            ["init", "phase", ...phase, "--config", config, "--kubeconfig", kubeconfig, "--skip-token-print"].filter(
                (word) => phase[0] === "bootstrap-token" || word !== "--skip-token-print",
            ),
        );
    }
}

/** What join.sh gives to kubeadm, for a server whose certificate is not of the cluster's authority. */
export function discoveryFile(
    folder: string,
    kubeconfig: string,
    key: string,
    { certificate, ca, endpoint }: { certificate: string; ca: string; endpoint: string },
): string {
    const crt = path.join(folder, "node.crt");
    fs.writeFileSync(crt, certificate);
    const server = (parse(kubeconfig) as { clusters: { cluster: Record<string, string> }[] }).clusters[0]!.cluster;
    return JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "c",
        contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
        clusters: [{ name: "c", cluster: { ...server, server: ca ? endpoint : "" } }],
        users: [{ name: "u", user: { "client-certificate": crt, "client-key": key } }],
    });
}
