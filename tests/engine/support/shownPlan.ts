/** A resource as `pulumi preview --diff` shows it. */
export interface Shown {
    /** `~ name`, with the sign that the text has: `+`, `-`, `~` or `+-`. */
    change: string;
    type: string;
    /** The lines below it that begin with a sign, without their indentation. */
    lines: string[];
}

/** The changes that a reviewer sees in the text of a preview, in the order of their names. */
export function shownPlan(text: string): Shown[] {
    const shown: Shown[] = [];
    let head: { sign: string; type: string } | undefined;
    // Where the signs are in the diff of a text of several lines, whose own lines may begin with one.
    let column: number | undefined;
    for (const line of text.split("\nResources:\n")[0]!.split("\n")) {
        const title = /^\s*(\+-|\+\+|--|[~+-])?\s*([\w.:/-]+): \((\w[\w-]*)\)$/.exec(line);
        const urn = /^\s*\[urn=.*::(.*)\]$/.exec(line);
        if (title) {
            head = { sign: title[1] ?? "", type: title[2]! };
        } else if (urn && head) {
            shown.push({ change: `${head.sign} ${urn[1]}`.trim(), type: head.type, lines: [] });
            head = undefined;
        } else {
            const indent = line.search(/\S/);
            column = column !== undefined && indent < column ? undefined : column;
            if (/^\s*[~+-] /.test(line) && (column ?? indent) === indent) {
                shown.at(-1)?.lines.push(line.trim());
            }
            column = /^\s*~ \w+\s*: $/.test(line) ? indent + 4 : column;
        }
    }
    return shown
        .filter(({ type }) => type !== "pulumi:pulumi:Stack")
        .sort((a, b) => (a.change.replace(/^\S+ /, "") < b.change.replace(/^\S+ /, "") ? -1 : 1));
}

/** The changes alone. */
export function changed(plan: Shown[]): string[] {
    return plan.map(({ change }) => change);
}

/** The lines of one resource. */
export function linesOf(plan: Shown[], name: string): string[] {
    const [one, ...others] = plan.filter(({ change }) => change.split(" ").at(-1) === name);
    if (!one || others.length > 0) {
        throw new Error(`${name} is shown ${one ? "more than once" : "not at all"}: ${changed(plan).join(", ")}`);
    }
    return one.lines;
}
