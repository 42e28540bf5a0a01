import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { EngineEvent } from "@pulumi/pulumi/automation";
import { Span, Timeline } from "../../../stacks/local/timeline";
import { timelineSvg } from "../../../stacks/local/timelineSvg";
import { matchesFile } from "../../support/golden";

const type = "kata-cluster:index:KataCluster$kata-cluster:node:NodeBootstrap$command:remote:Command";
const urn = `urn:pulumi:local::kata-cluster::${type}::lab-install`;
const metadata = { op: "create", urn, type: "command:remote:Command", new: { custom: true } };
const says = (message: string) => ({ diagnosticEvent: { urn, message, severity: "info#err", ephemeral: true } });

/** The spans of events, each a second after the one before. */
function spansOf(...events: object[]): Span[] {
    let seconds = 0;
    const timeline = new Timeline(() => seconds * 1000);
    for (const event of events) {
        seconds++;
        timeline.show(event as EngineEvent);
    }
    return timeline.spans;
}

describe("the timeline of an up", () => {
    it("holds when a resource began and ended, and the steps that its command announced", () =>
        assert.deepEqual(
            spansOf(
                { resourcePreEvent: { metadata } },
                says("[1/2] preflight: apply\n[1/2] preflight: PASSWORD"),
                says("[2/2] kernel: apply"),
                { resOutputsEvent: { metadata } },
            ),
            [
                {
                    name: "lab-install",
                    type,
                    begun: 1,
                    ended: 4,
                    failed: false,
                    steps: [
                        { name: "preflight", begun: 2 },
                        { name: "kernel", begun: 3 },
                    ],
                },
            ],
        ));

    it("tells what failed, and what is not over", () => {
        const [failed, open] = spansOf(
            { resourcePreEvent: { metadata } },
            { resOpFailedEvent: { metadata } },
            { resourcePreEvent: { metadata } },
        );
        assert.deepEqual([failed!.failed, failed!.ended, open!.ended], [true, 2, undefined]);
    });

    it("leaves out components and what stays the same", () =>
        assert.deepEqual(
            spansOf(
                { resourcePreEvent: { metadata: { ...metadata, new: { custom: false } } } },
                { resourcePreEvent: { metadata: { ...metadata, op: "same" } } },
            ),
            [],
        ));

    it("is drawn with a bar for each resource and each of its steps, and with nothing that breaks out of the picture", () => {
        const svg = timelineSvg("a < b", [
            { name: 'x"<y', type, begun: 0, ended: 90, failed: false, steps: [{ name: "kata", begun: 30 }] },
        ]);
        assert.equal(svg.match(/<rect /g)!.length, 3);
        for (const shown of ["a &lt; b", "x&quot;&lt;y, 1:30 min", "kata, 1:00 min", ">nodes<"]) {
            assert.ok(svg.includes(shown), `${shown} is not in ${svg}`);
        }
    });

    it("is drawn in docs from the one that was recorded there", () => {
        const docs = path.resolve(__dirname, "../../../docs");
        const spans = JSON.parse(fs.readFileSync(path.join(docs, "up.json"), "utf8")) as Span[];
        matchesFile(path.join(docs, "up.svg"), timelineSvg("npm start, on an emulated machine", spans));
    });
});
