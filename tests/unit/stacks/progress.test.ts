import * as assert from "node:assert/strict";
import { EngineEvent } from "@pulumi/pulumi/automation";
import { Progress } from "../../../stacks/local/progress";

const urn = "urn:pulumi:local::kata-cluster::kata-cluster:index:KataCluster$command:remote:Command::lab-install";

function shown(...events: object[]): string[] {
    const lines: string[] = [];
    const progress = new Progress((line) => lines.push(line));
    events.forEach((event) => progress.show(event as EngineEvent));
    return lines.map((line) => line.replace(/^\[ *\d+:\d\d\] /, ""));
}

const step = (op: string, custom: boolean) => ({ op, urn, type: "command:remote:Command", new: { custom } });
const says = (message: string, severity = "info", ephemeral = true) => ({
    diagnosticEvent: { urn, message, severity, ephemeral },
});

describe("progress of npm start", () => {
    it("tells when a resource begins, fails and is done", () =>
        assert.deepEqual(
            shown(
                { resourcePreEvent: { metadata: step("create", true) } },
                { resOutputsEvent: { metadata: step("create", true) } },
                { resOpFailedEvent: { metadata: step("create", true) } },
            ),
            ["create   Command lab-install", "done     Command lab-install (0 s)", "FAILED   Command lab-install"],
        ));

    it("leaves out components and what stays the same", () =>
        assert.deepEqual(
            shown(
                { resourcePreEvent: { metadata: step("create", false) } },
                { resourcePreEvent: { metadata: step("same", true) } },
            ),
            [],
        ));

    it("shows what our scripts say while they run, not what apt or kubeadm do", () =>
        assert.deepEqual(
            shown(
                says("[3/5] containerd: installed runc 1.4.3"),
                says("kata-cluster: machine x: warning: y"),
                says("[certs] z"),
            ),
            ["         [3/5] containerd: installed runc 1.4.3", "         kata-cluster: machine x: warning: y"],
        ));

    it("shows warnings and errors with their resource and without colours, and never debug output", () =>
        assert.deepEqual(
            shown(
                says("<{%fg 1%}>error:<{%reset%}> the disk is full", "error", false),
                says("password: secret", "debug", false),
            ),
            ["         Command lab-install: error: the disk is full"],
        ));
});
