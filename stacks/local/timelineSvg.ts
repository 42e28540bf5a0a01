import { Span } from "./timeline";

/** The stages of an `up` in the order of its data flow, by what the types in them are. */
const stages = [
    { title: "machines", of: /:machine:/, colour: "#6b7280" },
    { title: "nodes", of: /:node:/, colour: "#2563eb" },
    { title: "cluster", of: /:cluster:|\$kubernetes:node\./, colour: "#7c3aed" },
    { title: "workload", of: /./, colour: "#059669" },
] as const;

const size = { label: 270, chart: 690, row: 18, bar: 12, top: 46, margin: 12 };
const failed = "#dc2626";

/** A picture of where the time went: a row for each resource, its steps as parts of it. Pure. */
export function timelineSvg(title: string, spans: Span[]): string {
    const end = Math.max(1, ...spans.map(({ begun, ended }) => ended ?? begun));
    const x = (seconds: number) => size.label + (seconds / end) * size.chart;
    const grouped = stages.map((stage) => ({ stage, rows: spans.filter((span) => stageOf(span) === stage) }));
    let y = size.top;
    const parts: string[] = [];
    for (const { stage, rows } of grouped.filter(({ rows }) => rows.length > 0)) {
        parts.push(text(size.margin, y + size.bar, stage.title, `font-weight="bold" fill="${stage.colour}"`));
        y += size.row;
        for (const span of rows) {
            parts.push(...row(span, y, x, end, stage.colour));
            y += size.row;
        }
    }
    const height = y + size.margin;
    const width = size.label + size.chart + 60;
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
        `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
        text(size.margin, 18, title, 'font-size="14" font-weight="bold"'),
        ...axis(end, x, height),
        ...parts,
        "</svg>",
        "",
    ].join("\n");
}

function row(span: Span, y: number, x: (seconds: number) => number, end: number, colour: string): string[] {
    const ended = span.ended ?? end;
    const fill = span.failed ? failed : colour;
    const ends = [...span.steps.slice(1).map(({ begun }) => begun), ended];
    const steps = span.steps.map((step, i) => {
        const [from, to] = [x(step.begun), x(ends[i]!)];
        const told = `${step.name}, ${duration(ends[i]! - step.begun)}`;
        const name = to - from > 7 * step.name.length ? text(from + 3, y + 10, step.name, 'fill="#ffffff"') : "";
        return bar(from, to, y, fill, i % 2 ? 0.75 : 1, told) + name;
    });
    const whole = bar(
        x(span.begun),
        x(ended),
        y,
        fill,
        steps.length > 0 ? 0.35 : 1,
        `${span.name}, ${duration(ended - span.begun)}`,
    );
    return [
        text(size.label - 8, y + 10, span.name, 'text-anchor="end"'),
        whole,
        ...steps,
        text(x(ended) + 4, y + 10, duration(ended - span.begun), 'fill="#4b5563"'),
    ];
}

function axis(end: number, x: (seconds: number) => number, height: number): string[] {
    const step = [1, 5, 10, 30, 60, 120, 300, 600, 1800].find((one) => end / one <= 12) ?? 3600;
    return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step).map(
        (at) =>
            `<line x1="${round(x(at))}" x2="${round(x(at))}" y1="${size.top - 8}" y2="${height - size.margin}" stroke="#e5e7eb"/>` +
            text(round(x(at)), size.top - 12, duration(at), 'text-anchor="middle" fill="#4b5563"'),
    );
}

function bar(from: number, to: number, y: number, fill: string, opacity: number, title: string): string {
    const width = Math.max(1, to - from);
    return `<rect x="${round(from)}" y="${y}" width="${round(width)}" height="${size.bar}" fill="${fill}" opacity="${opacity}"><title>${escaped(title)}</title></rect>`;
}

function text(x: number, y: number, content: string, attributes: string): string {
    return `<text x="${round(x)}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

function stageOf({ type }: Span) {
    return stages.find(({ of }) => of.test(type))!;
}

function duration(seconds: number): string {
    const whole = Math.round(seconds);
    return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} min`;
}

function round(value: number): number {
    return Math.round(value * 10) / 10;
}

function escaped(value: string): string {
    return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
