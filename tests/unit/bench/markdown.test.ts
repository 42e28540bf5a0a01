import * as assert from "node:assert/strict";
import { markdown, met, plain, table } from "../../bench/markdown";
import { Row } from "../../bench/part";
import { merged, PartResult } from "../../bench/results";

const ratio: Row = { what: "a / b", value: 1.5, unit: "ratio", samples: [1.4, 1.5, 1.62], most: 1.25, exact: false };
const connections: Row = { what: "connections", value: 4, unit: "count", most: 4, exact: true, note: "Of one | node." };
const compared: Row = {
    ...{ what: "added", value: 12.34, unit: "seconds", samples: [12.34], most: 20, exact: false },
    ...{ note: "To one.", others: "a minute (owner/name#1)." },
};
const rows: Row[] = [
    ratio,
    connections,
    { what: "state", value: 19_940, unit: "bytes", exact: true },
    { what: "share", value: 13 / 3, unit: "count", exact: true },
    compared,
];

const part = (name: string, date = "2026-01-02", pictures: string[] = []): PartResult => ({
    ...{ name, about: `What ${name} is.`, rows, pictures, date, commit: "0123456789ab" },
    machine: { cpu: "Some CPU", cores: 2, memoryGib: 23, load: 0.4 },
    versions: { node: "24.0.0", pulumi: "3.200.0" },
});

describe("the table of the benchmarks", () => {
    it("has units, spread of several samples, and whether a target is met", () => {
        assert.deepEqual(table(rows).split("\n"), [
            "| what | measured | spread | target | met |",
            "| --- | ---: | ---: | ---: | --- |",
            "| a / b | 1.50 | 1.40 to 1.62 | at most 1.25 | **no** |",
            "| connections<br><sub>Of one \\| node.</sub> | 4 |  | at most 4 | yes |",
            "| state | 19.9 kB |  |  |  |",
            "| share | 4.33 |  |  |  |",
            "| added<br><sub>To one.</sub><br><sub>Others: a minute (owner/name#1).</sub> | 12.3 s |  | at most 20.0 s | yes |",
        ]);
    });

    it("is a line for each row on a terminal", () => {
        assert.deepEqual(plain([ratio, connections, compared]).split("\n"), [
            "  a / b        1.50 (1.40 to 1.62), target 1.25: MISSED",
            "  connections  4, target 4: met",
            "    Of one | node.",
            "  added        12.3 s, target 20.0 s: met",
            "    To one.",
            "    Others: a minute (owner/name#1).",
        ]);
        assert.equal(met({ ...ratio, most: 1.5 }), true);
        assert.equal(met({ ...ratio, most: undefined }), undefined);
    });

    it("is a section for each part, with pictures, machine, versions and date", () => {
        const text = markdown([part("growth", "2026-01-02", ["growth.svg"]), part("other")]);
        assert.deepEqual(
            text.split("\n").filter((line) => /^(#|!\[|Measured|What)/.test(line)),
            [
                "# Benchmarks",
                "## growth",
                "What growth is.",
                "![growth: growth.svg](benchmarks/growth.svg)",
                "Measured on 2026-01-02, commit 0123456789ab: Some CPU, 2 cores, 23 GiB, load 0.4 before it began; node 24.0.0, pulumi 3.200.0.",
                "## other",
                "What other is.",
                "Measured on 2026-01-02, commit 0123456789ab: Some CPU, 2 cores, 23 GiB, load 0.4 before it began; node 24.0.0, pulumi 3.200.0.",
            ],
        );
    });
});

describe("a run of some parts", () => {
    const names = ["first", "second", "third"].map((name) => ({ name }));

    it("takes the place of what was measured of these, in the parts' order, and leaves the others", () => {
        const all = merged([part("third"), part("first")], [part("second"), part("third", "2026-02-03")], names);
        assert.deepEqual(
            all.map(({ name, date }) => `${name} ${date}`),
            ["first 2026-01-02", "second 2026-01-02", "third 2026-02-03"],
        );
    });

    it("forgets a part that is no more", () => {
        assert.deepEqual(merged([part("gone")], [], names), []);
    });
});
