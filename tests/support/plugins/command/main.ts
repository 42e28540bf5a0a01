import { randomBytes } from "node:crypto";
import { equal, objectDiff } from "../shared/diff";
import { Operation, StandIn } from "../shared/provider";
import { serve } from "../shared/server";
import { hasUnknown, isObject, PropertyMap, reveal, Unknown, unknownValue, Value } from "../shared/values";
import { CopyInputs, copyToRemote } from "./copyToRemote";
import { checkInputs, schemas } from "./inputs";
import { LocalInputs, runLocal } from "./localCommand";
import { CommandOutput } from "./output";
import { RemoteInputs, runRemote } from "./remoteCommand";

const copyType = "command:remote:CopyToRemote";
/** What a command adds to its inputs. */
const outputNames = ["stdout", "stderr", "assets", "archive"];

/** Stand-in for the plugin of @pulumi/command: same inputs, outputs, diff and failures, its own code. */
const commandProvider: StandIn = {
    name: "command",
    version: "1.2.1",

    async check(op, { news }) {
        return checkInputs(op.type, news);
    },

    async diff(_op, { olds, news, oldInputs, ignoreChanges }) {
        const detailed = objectDiff(oldInputs, ignoring(news, olds, ignoreChanges));
        const triggers = detailed.get("triggers");
        if (triggers) {
            detailed.set("triggers", { ...triggers, kind: `${triggers.kind}Replace` as "addReplace" });
        }
        return { detailed };
    },

    async create(op, inputs, preview) {
        const id = op.name + randomBytes(4).toString("hex");
        if (op.type === copyType) {
            if (!preview) {
                await copyToRemote(op, plain<CopyInputs>(inputs));
            }
            return { id, outputs: inputs };
        }
        if (preview) {
            return { id, outputs: { ...inputs, stdout: unknownValue, stderr: unknownValue } };
        }
        const nothing = { stdout: "", stderr: "" };
        const outputs = await runCommand(op, inputs, "create", nothing);
        return { id, outputs: { ...inputs, ...(outputs ?? nothing) } };
    },

    async read(_op, id, state, inputs) {
        return { id, state, inputs };
    },

    async update(op, { olds, news, ignoreChanges, preview }) {
        const inputs = ignoring(news, olds, ignoreChanges);
        if (op.type === copyType) {
            // The real plugin too leaves another host without its copy, if only the connection is another.
            if (!preview && ["source", "remotePath"].some((name) => !equal(inputs[name], olds[name]))) {
                await copyToRemote(op, plain<CopyInputs>(inputs));
            }
            return inputs;
        }
        const previous = Object.fromEntries(
            outputNames.filter((name) => name in olds).map((name) => [name, olds[name]]),
        ) as PropertyMap;
        if (preview) {
            return { ...inputs, ...(previewChanges(op, olds, inputs) ? unknowns(previous) : previous) };
        }
        const verb = inputs.update === undefined ? "create" : "update";
        const outputs = await runCommand(op, inputs, verb, plain<CommandOutput>(previous));
        return { ...inputs, ...previous, ...outputs };
    },

    async delete(op, _id, state) {
        if (op.type !== copyType) {
            await runCommand(op, state, "delete", plain<CommandOutput>(state));
        }
    },

    async invoke(op, token, args) {
        if (token !== "command:local:run") {
            throw new Error(`function ${token} not found`);
        }
        const { inputs, failures } = checkInputs(token, args);
        if (failures.length > 0) {
            throw new Error(failures.map(({ reason }) => reason).join("\n"));
        }
        const { command, ...rest } = plain<LocalInputs & { command: string }>(inputs);
        return { ...inputs, ...(await runLocal(op, command, rest, { stdout: "", stderr: "" })) };
    },
};

/** Runs the command of that name, if there is one. */
async function runCommand(
    op: Operation,
    inputs: PropertyMap,
    verb: "create" | "update" | "delete",
    previous: CommandOutput,
): Promise<PropertyMap | undefined> {
    const command = reveal(inputs[verb] ?? null);
    if (typeof command !== "string") {
        return undefined;
    }
    if (op.type === "command:local:Command") {
        return runLocal(op, command, plain<LocalInputs>(inputs), previous);
    }
    return { ...(await runRemote(op, command, plain<RemoteInputs>(inputs), previous)) };
}

/**
 * In a preview all outputs are unknown once an input is unknown or differs from its old value. An input that was not
 * there before does not count; that is so in the real plugin too.
 */
function previewChanges(op: Operation, olds: PropertyMap, news: PropertyMap): boolean {
    return Object.keys(schemas[op.type]?.fields ?? {}).some((name) => {
        const now: Value = news[name] ?? null;
        return now instanceof Unknown || (olds[name] !== undefined && !equal(now, olds[name])) || unknownSecret(now);
    });
}

function unknownSecret(value: Value): boolean {
    return !isObject(value) && !Array.isArray(value) && hasUnknown(value);
}

function unknowns(outputs: PropertyMap): PropertyMap {
    return Object.fromEntries(Object.keys(outputs).map((name) => [name, unknownValue]));
}

function ignoring(news: PropertyMap, olds: PropertyMap, ignoreChanges: string[]): PropertyMap {
    const kept = ignoreChanges.filter((name) => name in olds).map((name) => [name, olds[name]!] as const);
    return { ...news, ...Object.fromEntries(kept) };
}

function plain<T>(map: PropertyMap): T {
    return reveal(map) as unknown as T;
}

void serve(commandProvider, process.argv.slice(2));
