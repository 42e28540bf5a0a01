import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { dependencies, devDependencies, version } from "../../package.json";
import { resolve } from "../../components/spec";
import { downloadUrl } from "../../components/releases";
import { gcpMocks } from "../support/gcpRecording";
import { missingPrograms } from "../support/programs";
import { recordingMocks, texts, withoutSecrets } from "../support/recordingMocks";
import { Consumer } from "./support/consumer";
import { examples, Project, projectOf, runExample, textOf } from "./support/examples";
import { checkArguments, Component, componentsInPython, outputsOf, unknownInGo } from "./support/otherLanguages";

const native = ["typescript", "existing-hosts", "air-gapped", "gcp"];
const all = [...native, "yaml", "python", "go"];

/** What the commands of an `up` print, as far as the programs read it. */
const stdout = {
    "-keys": JSON.stringify({
        user: { privateKey: "CANARY-USER-KEY", publicKey: "ssh-ed25519 AAAAuser" },
        host: { privateKey: "CANARY-HOST-KEY", publicKey: "ssh-ed25519 AAAAhost" },
    }),
    "-init": `clusters: [{ cluster: { server: "https://192.0.2.11:6443" } }]
users: [{ user: { client-key-data: CANARY-ADMIN-KEY } }]
`,
    "-install": JSON.stringify({ node: "NODE", steps: [{ step: "key", request: "REQUEST" }] }),
    "-admit": "ADMITTED",
    "-pod": JSON.stringify({ node: "NODE", uid: "uid-of-NODE" }),
    "-isolation": JSON.stringify({ isolated: true }),
};

describe("the examples", function () {
    this.timeout(600_000);

    it("are those of the README's table, each with a description of every setting", () => {
        const folders = fs.readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory());
        assert.deepEqual(folders.map(({ name }) => name).sort(), [...all].sort());
        for (const example of all) {
            assert.match(textOf("README.md"), new RegExp(`^\\| \\[${example}\\]\\(${example}\\)`, "m"));
            for (const [name, { type, description }] of Object.entries(projectOf(example).config)) {
                // Pulumi's YAML warns of descriptions.
                assert.ok(example === "yaml" || description, `${example}: ${name}`);
                // Settings of a provider are typed by it.
                assert.ok(type ?? name.includes(":"), `${example}: ${name}`);
            }
        }
    });

    it("take the packages that this one is made with", () => {
        const ours: Record<string, string> = { ...dependencies, ...devDependencies };
        const packed = `file:../../kata-cluster-${version}.tgz`;
        for (const example of native) {
            const own = JSON.parse(textOf(example, "package.json")) as Record<string, Record<string, string>>;
            for (const [name, wanted] of Object.entries({ ...own.dependencies, ...own.devDependencies })) {
                assert.equal(wanted, name === "kata-cluster" ? packed : ours[name], `${example}: ${name}`);
            }
        }
    });

    for (const example of native) {
        for (const preview of [true, false]) {
            it(`${example} makes its cluster, ${preview ? "preview" : "up"}, and no secret stands in clear`, async () => {
                const recorded = example === "gcp" ? gcpMocks(preview, stdout) : recordingMocks(preview, stdout);
                const outputs = await runExample(example);
                assert.ok(await pulumi.isSecret(outputs.kubeconfig!));
                const { resources } = recorded;
                const names = resources.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
                for (const made of madeBy[example]!) {
                    assert.ok(names.includes(made), `${made} is not among ${names.join(", ")}`);
                }
                // There are secrets, and none of them is seen.
                const clear = resources.map(({ inputs }) => JSON.stringify(withoutSecrets(inputs)));
                assert.doesNotMatch(clear.join("\n"), /CANARY/);
                if (example === "existing-hosts" || example === "air-gapped" || !preview) {
                    const told = resources.flatMap(({ inputs }) => texts(inputs)).join("\n");
                    assert.match(told, /CANARY/);
                }
            });
        }
    }

    it("existing-hosts reaches every machine through the bastion, by pinned keys", async () => {
        const { resources } = recordingMocks(true, stdout);
        await runExample("existing-hosts");
        const connections = resources
            .filter(({ name }) => name.endsWith("-install"))
            .map(({ inputs }) => pulumi.runtime.unwrapRpcSecret(inputs.connection) as Connection);
        const hosts = connections.map(({ host, hostKey, proxy }) => {
            assert.match(hostKey, /^ssh-ed25519 /);
            assert.equal(proxy.host, "203.0.113.10");
            assert.match(proxy.hostKey, /^ssh-ed25519 /);
            return host;
        });
        assert.deepEqual(hosts.sort(), ["192.0.2.11", "192.0.2.21", "192.0.2.22"]);
    });

    it("air-gapped tells what the mirror must serve, and the nodes ask for nothing else", async () => {
        const { releases, images } = resolve("site", { machines: { local: {} } });
        const comment = textOf("air-gapped", "index.ts");
        for (const [, release] of Object.entries(releases).filter(([name]) => name !== "crio")) {
            const file = downloadUrl(release, "amd64").replace("https://", "");
            assert.ok(comment.includes(file), file);
        }
        for (const image of Object.values(images)) {
            assert.ok(comment.includes(image.replace(/@.*/, "")), image);
        }
        const kernel = fs.readFileSync(path.join(examples, "../components/node/host/kernel.sh"), "utf8");
        assert.ok(comment.includes(/^packages=\((.*)\)$/m.exec(kernel)![1]!));
        const { resources } = recordingMocks(true, stdout);
        await runExample("air-gapped");
        const told = resources.flatMap(({ inputs }) => texts(inputs)).join("\n");
        assert.match(told, /https:\/\/mirror\.example\.com\/downloads\/dl\.k8s\.io\/release\//);
        assert.match(told, /https:\/\/registry\.example\.com\/v2\/registry\.k8s\.io/);
        assert.doesNotMatch(told, /https:\/\/(github\.com\/\S+\/releases\/download|dl\.k8s\.io\/release)/);
    });

    describe("yaml", () => {
        it("names arguments and outputs that the package has", () => {
            const { config, resources, outputs } = projectOf("yaml");
            const components = Object.entries(resources!).filter(([, { type }]) => type.startsWith("kata-cluster:"));
            assert.equal(components.length, 2);
            for (const [name, { type, properties }] of components) {
                const component = type.replace("kata-cluster:index:", "") as Component;
                checkArguments(component, filledIn(properties, config));
                const read = [...JSON.stringify(outputs).matchAll(new RegExp(`\\$\\{${name}\\.(\\w+)`, "g"))];
                read.forEach(([, output]) => assert.ok(outputsOf(component).includes(output!), output));
            }
        });

        const missing = missingPrograms().filter((name) => name === "pulumi" || name === "pulumi-language-yaml");
        const preview = `is previewed through the package by the real YAML host`;
        if (missing.length > 0) {
            it.skip(`${preview} (${missing.join(", ")} missing)`);
            return;
        }
        it(preview, async () => {
            const consumer = new Consumer();
            try {
                await consumer.installPackage();
                const text = textOf("yaml", "Pulumi.yaml").replace(/(kata-cluster: )https:.*/, "$1../kata-cluster");
                const folder = consumer.project("program", { "Pulumi.yaml": text });
                await consumer.pulumi(folder, "stack", "init", "dev");
                const ran = await consumer.pulumi(folder, "preview", "--non-interactive", "--color=never", "--diff");
                assert.equal(ran.status, 0, ran.output);
                assert.doesNotMatch(ran.output, /Field '\w+' does not exist/);
                for (const planned of ["Command::lab-worker-0-join", "UntrustedPod::web", "Pod::web"]) {
                    assert.match(ran.output, new RegExp(`${planned}\\]`));
                }
            } finally {
                consumer.remove();
            }
        });
    });

    it("python is Python, and names arguments and outputs that the package has", () => {
        const made = componentsInPython(textOf("python", "__main__.py"));
        assert.deepEqual(
            made.map(({ component }) => component),
            ["KataCluster", "UntrustedPod"],
        );
        for (const { component, args, read } of made) {
            checkArguments(component, args);
            assert.ok(read.length > 0);
            read.forEach((output) => assert.ok(outputsOf(component).includes(output), output));
        }
        assert.throws(() => componentsInPython("lab = = kata_cluster"));
    });

    it("go names what the package has", () => {
        const program = textOf("go", "main.go");
        assert.deepEqual(unknownInGo(program), []);
        assert.deepEqual(unknownInGo(program.replace("Workers:", "Worker:")), ["LocalMachineArgsArgs.Worker"]);
    });

    const gofmt = spawnSync("gofmt", ["-l", path.join(examples, "go")], { encoding: "utf8" });
    (gofmt.error ? it.skip : it)("go is Go, as gofmt writes it (needs gofmt)", () => {
        assert.equal(gofmt.status, 0, gofmt.stderr);
        assert.equal(gofmt.stdout, "");
    });
});

interface Connection {
    host: string;
    hostKey: string;
    proxy: Connection;
}

/** Resources that the examples are about. */
const madeBy: Record<string, string[]> = {
    typescript: ["KataCluster lab", "Command lab-control-plane-0-vm", "UntrustedPod lab-untrusted", "Pod job"],
    "existing-hosts": ["KataCluster prod", "Command rack-1-join", "Command rack-2-join", "UntrustedPod prod-untrusted"],
    "air-gapped": ["KataCluster site", "Command site-control-plane-0-init", "Command rack-1-join"],
    gcp: [
        ...["lab-control-plane-0", "lab-worker-0", "lab-spot-0", "lab-spot-1"].map((name) => `Instance ${name}`),
        "Command lab-spot-1-join",
        "UntrustedPod lab-untrusted",
    ],
};

/** The properties with what the configuration's defaults put into them. */
function filledIn(value: unknown, config: Project["config"]): unknown {
    if (typeof value === "string") {
        const setting = /^\$\{(\w+)\}$/.exec(value)?.[1];
        return setting && config[setting] ? config[setting].default : value;
    }
    if (Array.isArray(value)) {
        return value.map((one) => filledIn(one, config));
    }
    return typeof value === "object" && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filledIn(one, config)]))
        : value;
}
