import { Row } from "./part";
import type { PartResult } from "./results";

const introduction = `# Benchmarks

Written by \`npm run bench\`, which measures all of it anew; \`npm run bench -- PART\` just that part. Figures are ratios and
counts of one machine, compared within one run: seconds on another machine are others. A row with a target is met or not.
*Others* are figures that other projects' issues and pages tell of their own machines: for the order of size alone.
`;

/** The page: a section for each part. */
export function markdown(results: PartResult[]): string {
    return [introduction, ...results.map(section)].join("\n");
}

function section({ name, about, rows, pictures, machine, versions, commit, date }: PartResult): string {
    const { cpu, cores, memoryGib, load } = machine;
    const programs = Object.entries(versions).map(([program, version]) => `${program} ${version}`);
    return [
        `## ${name}\n`,
        `${about}\n`,
        `${table(rows)}\n`,
        ...pictures.map((picture) => `![${name}: ${picture}](benchmarks/${picture})\n`),
        `Measured on ${date}, commit ${commit}: ${cpu}, ${cores} cores, ${memoryGib} GiB, load ${load} before it began; ${programs.join(", ")}.\n`,
    ].join("\n");
}

function remarks({ note, others }: Row): string[] {
    return [...(note ? [note] : []), ...(others ? [`Others: ${others}`] : [])];
}

/** Rows as a table in Markdown. Notes are below their row's name. */
export function table(rows: Row[]): string {
    const head = ["what", "measured", "spread", "target", "met"];
    const lines = rows.map((row) => [
        [row.what, ...remarks(row).map((remark) => `<sub>${remark}</sub>`)].map(cell).join("<br>"),
        figure(row.value, row.unit),
        spread(row),
        row.most === undefined ? "" : `at most ${figure(row.most, row.unit)}`,
        { undefined: "", true: "yes", false: "**no**" }[String(met(row)) as "true"],
    ]);
    return [head, ["---", "---:", "---:", "---:", "---"], ...lines]
        .map((cells) => `| ${cells.join(" | ")} |`)
        .join("\n");
}

/** Rows for a terminal: a line each, with its note below. */
export function plain(rows: Row[]): string {
    const width = Math.max(...rows.map(({ what }) => what.length));
    return rows
        .map((row) => {
            const target =
                row.most === undefined ? "" : `, target ${figure(row.most, row.unit)}: ${met(row) ? "met" : "MISSED"}`;
            const below = remarks(row).map((remark) => `\n    ${remark}`);
            return `  ${row.what.padEnd(width)}  ${figure(row.value, row.unit)}${spread(row) ? ` (${spread(row)})` : ""}${target}${below.join("")}`;
        })
        .join("\n");
}

/** Whether a row has reached its target; undefined where it has none. */
export function met({ value, most }: Row): boolean | undefined {
    return most === undefined ? undefined : value <= most;
}

/** A figure with its unit. */
export function figure(value: number, unit: Row["unit"]): string {
    switch (unit) {
        case "ratio":
            return value.toFixed(2);
        case "count":
            return Number.isInteger(value) ? String(value) : value.toFixed(2);
        case "bytes":
            return `${(value / 1000).toFixed(1)} kB`;
        case "seconds":
            return `${value.toFixed(1)} s`;
    }
}

function spread({ samples, unit }: Row): string {
    return samples && samples.length > 1
        ? `${figure(Math.min(...samples), unit)} to ${figure(Math.max(...samples), unit)}`
        : "";
}

function cell(text: string): string {
    return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
