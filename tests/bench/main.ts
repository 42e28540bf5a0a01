import { parseArgs } from "node:util";
import { buildPrograms } from "../support/programs";
import { needTestPackages } from "../support/testPackages";
import { met, plain } from "./markdown";
import { Part, Pictures } from "./part";
import { parts } from "./parts";
import { circumstances, PartResult, write } from "./results";

const help = `npm run bench [-- [--quick] [PART…]]

Measures the named parts, all by default, and puts them into docs/benchmarks.md and docs/benchmarks.json.
--quick  only what takes minutes, on stub hosts; shows the table and writes nothing
It fails where a figure that is the same on every machine misses its target. Seconds and ratios never make it fail.

${parts.map(({ name, about, quick }) => `${quick ? "quick" : "     "}  ${name.padEnd(16)} ${about.replace(/(?<=\.) .*/, "")}`).join("\n")}`;

const say = (line: string) => console.log(line);

/** The parts that are asked for. */
function chosen(names: string[], quick: boolean): Part[] {
    const allowed = parts.filter((part) => !quick || part.quick);
    const unknown = names.filter((name) => !allowed.some((part) => part.name === name));
    if (unknown.length > 0) {
        throw new Error(
            `no such part${quick ? " with --quick" : ""}: ${unknown.join(", ")}. Allowed: ${allowed.map(({ name }) => name).join(", ")}. Fix: npm run bench -- --help`,
        );
    }
    return allowed.filter(({ name }) => names.length === 0 || names.includes(name));
}

async function main() {
    const { values, positionals } = parseArgs({
        options: { quick: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
        allowPositionals: true,
    });
    if (values.help) {
        say(help);
        return;
    }
    const { quick } = values;
    const wanted = chosen(positionals, quick);
    needTestPackages(say);
    await buildPrograms(say);
    const results: PartResult[] = [];
    const pictures: Pictures = {};
    const broken: string[] = [];
    for (const part of wanted) {
        say(`\n=== ${part.name}: ${part.about}`);
        const begun = Date.now();
        const where = circumstances();
        try {
            const { rows, pictures: drawn = {} } = await part.run({ quick, say: (line) => say(`    ${line}`) });
            results.push({ name: part.name, about: part.about, rows, pictures: Object.keys(drawn), ...where });
            Object.assign(pictures, drawn);
            say(plain(rows));
        } catch (error) {
            broken.push(part.name);
            say(`part ${part.name} failed: ${error instanceof Error ? error.stack : String(error)}`);
        }
        say(`    ${part.name} took ${Math.round((Date.now() - begun) / 1000)} s`);
    }
    if (!quick) {
        write(results, pictures, parts);
    }
    const exact = results.flatMap(({ rows }) => rows).filter((row) => row.exact && row.most !== undefined);
    const missed = exact.filter((row) => !met(row)).length;
    // tests/run.ts counts by this line, and tells those that say MISSED or failed again.
    say(`\nexact figures: ${exact.length - missed} met, ${missed} missed; ${broken.length} parts failed`);
    process.exitCode = missed + broken.length > 0 ? 1 : 0;
}

main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
});
