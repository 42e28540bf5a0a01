import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { dependencies } from "../../package.json";
import { needProgram } from "../support/programs";

const root = path.resolve(__dirname, "../..");
const folder = path.join(root, ".github/workflows");
const files = fs.readdirSync(folder).map((file) => path.join(folder, file));

interface Step {
    uses?: string;
    with?: Record<string, unknown>;
    env?: Record<string, string>;
}
interface Workflow {
    on: unknown;
    permissions: object;
    jobs: Record<
        string,
        {
            if?: string;
            "timeout-minutes": number;
            permissions: Record<string, string>;
            steps: Step[];
            strategy?: { matrix: { include: { stack: string; state: string; cloud: string }[] } };
        }
    >;
}
const read = (file: string) => parse(fs.readFileSync(file, "utf8")) as Workflow;

describe("workflows", () => {
    it("are such that actionlint has nothing to say", () => {
        assert.ok(files.length >= 2);
        const lint = (...args: string[]) => spawnSync(needProgram("actionlint"), args, { encoding: "utf8" });
        const { status, stdout, stderr } = lint("-shellcheck=shellcheck", "-pyflakes=", ...files);
        assert.equal(status, 0, stdout + stderr);
    });

    it("pin every action by commit, bound every job, and give no permission to all", () => {
        for (const file of files) {
            const { permissions, jobs } = read(file);
            assert.deepEqual(permissions, {}, file);
            for (const [name, job] of Object.entries(jobs)) {
                assert.ok(job["timeout-minutes"] > 0, name);
                assert.equal(job.permissions.contents, "read", name);
                job.steps.forEach(({ uses }) => assert.match(uses ?? "a/b@" + "0".repeat(40), /^\S+@[0-9a-f]{40}$/));
            }
        }
    });

    it("hand secrets to no code of a fork", () => {
        for (const file of files) {
            const text = fs.readFileSync(file, "utf8");
            assert.doesNotMatch(text, /pull_request_target|workflow_run/, file);
            for (const [name, job] of Object.entries(read(file).jobs)) {
                if (/\bsecrets\.|: write/.test(JSON.stringify(job).replaceAll('":"write"', ": write"))) {
                    assert.equal(job.if, "github.event.pull_request.head.repo.full_name == github.repository", name);
                }
            }
        }
    });
});

describe("preview of a pull request", () => {
    const { preview } = read(path.join(folder, "preview.yml")).jobs;
    const { include } = preview!.strategy!.matrix;
    const action = preview!.steps.find(({ uses }) => uses?.startsWith("pulumi/actions@"))!;

    it("is of every stack, and logs in to the cloud that it is in", () => {
        const stacks = fs.readdirSync(path.join(root, "stacks")).flatMap((file) => {
            const stack = /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1];
            return stack ? [[stack, cloudOf(path.join(root, "stacks", file))]] : [];
        });
        assert.ok(stacks.length > 0);
        assert.deepEqual(include.map(({ stack, cloud }) => [stack, cloud]).sort(), stacks.sort());
        include.forEach(({ state, stack }) => assert.match(state, /^(none|shared)$/, stack));
    });

    it("takes the engine that the program is written for, the policy pack, and comments", () => {
        assert.partialDeepStrictEqual(action.with, {
            command: "preview",
            "pulumi-version": dependencies["@pulumi/pulumi"],
            policyPacks: "stacks/policy",
            "comment-on-pr": true,
        });
        assert.ok(fs.existsSync(path.join(root, "stacks/policy/PulumiPolicy.yaml")));
    });
});

function cloudOf(file: string): string {
    const { config } = parse(fs.readFileSync(file, "utf8")) as {
        config: Record<string, { gcp?: unknown } | undefined>;
    };
    return config["kata-cluster:machines"]?.gcp ? "gcp" : "none";
}
