import { parseArgs } from "node:util";
import { buildLab, serveLab } from "./lab";

const usage = `Builds the offline lab from package registries, and prints what it has.
Usage: node -r ts-node/register tests/lab/main.ts [--real FOLDER] [--serve]
  --real FOLDER  real releases (Kata, CRI-O, Pulumi plugins), in place of the lab's stand-ins
  --serve        serve the mirror until interrupted`;

async function main() {
    const { values } = parseArgs({
        options: { real: { type: "string" }, serve: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help) {
        console.log(usage);
        return;
    }
    const lab = await buildLab({ log: (line) => console.error(line), real: values.real });
    console.log(JSON.stringify(lab, undefined, 2));
    if (!values.serve) {
        return;
    }
    const mirror = await serveLab(lab);
    console.log(JSON.stringify({ mirror: { downloads: mirror.downloads, images: mirror.images } }));
    await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
    await mirror.close();
}

main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
});
