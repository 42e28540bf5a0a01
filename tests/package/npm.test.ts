import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { copyWithPackages } from "./support/checkout";
import { Consumer } from "./support/consumer";

const manifest = JSON.stringify({
    name: "other",
    private: true,
    dependencies: { "kata-cluster": "file:../packed/kata-cluster-0.1.0.tgz" },
});
const settings = JSON.stringify({
    compilerOptions: {
        strict: true,
        target: "es2020",
        module: "nodenext",
        moduleResolution: "nodenext",
        outDir: "out",
    },
    files: ["index.ts"],
});
const program = `import * as pulumi from "@pulumi/pulumi";
import { ContainerRuntime, KataCluster, KataClusterArgs } from "kata-cluster";

const made: string[] = [];
void pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs, id }) => {
        made.push(type + " " + name);
        return { id: id ?? name + "-id", state: inputs as object };
    },
    call: () => ({}),
}, "other", "test", true);

const args: KataClusterArgs = { machines: { local: {} }, containerRuntime: ContainerRuntime.Containerd };
const cluster = new KataCluster("lab", args);
export const kubeconfig: pulumi.Output<string> = cluster.kubeconfig;
void pulumi.runtime.disconnect().then(() => console.log(made.join("\\n")));
`;

describe("the npm package", function () {
    this.timeout(600_000);
    let consumer: Consumer;
    let files: string[];

    before(async () => {
        consumer = new Consumer();
        const checkout = consumer.project("checkout");
        copyWithPackages(checkout);
        const packed = await consumer.run(
            checkout,
            "npm",
            "pack",
            "--json",
            "--pack-destination",
            consumer.project("packed"),
        );
        assert.equal(packed.status, 0, packed.output);
        const listed = await consumer.run(consumer.folder, "tar", "-tzf", "packed/kata-cluster-0.1.0.tgz");
        files = listed.stdout.split("\n").map((file) => file.replace(/^package\//, ""));
    });

    after(() => consumer?.remove());

    it("holds what runs on the nodes, beside the code that reads it, and neither tests nor examples", () => {
        const root = path.resolve(__dirname, "../..");
        const data = fs
            .readdirSync(path.join(root, "components"), { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile() && !entry.name.endsWith(".ts"))
            .map(({ parentPath, name }) => path.relative(root, path.join(parentPath, name)));
        assert.ok(data.includes("components/node/host/kata.sh"));
        const wanted = ["PulumiPlugin.yaml", "index.ts", "LICENSE", "README.md", "dist/index.js", "dist/index.d.ts"];
        for (const file of [...wanted, ...data, ...data.map((name) => `dist/${name}`)]) {
            assert.ok(files.includes(file), `${file} is missing`);
        }
        assert.deepEqual(
            files.filter((file) => /^(dist\/)?(tests|stacks|examples|\.ci)\/|^Pulumi[.]/.test(file)),
            [],
        );
    });

    it("is imported by a TypeScript program, which type-checks and runs under Pulumi's mocks", async () => {
        const folder = consumer.project("other", {
            "package.json": manifest,
            "tsconfig.json": settings,
            "index.ts": program,
        });
        const steps = [
            ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund"],
            ["node_modules/.bin/tsc", "--noEmit"],
            ["node_modules/.bin/tsc"],
            ["node", "out/index.js"],
        ];
        let last = "";
        for (const [command, ...args] of steps) {
            const ran = await consumer.run(folder, command!, ...args);
            assert.equal(ran.status, 0, `${command} ${args.join(" ")}: ${ran.output}`);
            last = ran.stdout;
        }
        assert.match(last, /^command:remote:Command lab-control-plane-0-install$/m);
        assert.match(last, /^kata-cluster:index:UntrustedPod lab-untrusted$/m);
    });
});
