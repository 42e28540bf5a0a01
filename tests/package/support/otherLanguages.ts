import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { Problems } from "../../../components/validation/problems";
import { shaped } from "../../../components/validation/shape";

interface Schema {
    resources: Record<string, { inputProperties: Record<string, object>; properties: Record<string, object> }>;
    types: Record<string, { properties?: Record<string, object>; enum?: { name?: string; value: string }[] }>;
}
const schema = JSON.parse(
    fs.readFileSync(path.resolve(__dirname, "../../../components/schema.json"), "utf8"),
) as Schema;

/** Components of the package. */
export type Component = "KataCluster" | "UntrustedPod";

/** @throws with every argument that is none of the component's, or has another type. */
export function checkArguments(component: Component, given: unknown) {
    const problems = new Problems("example", component);
    shaped(problems, component, "", given);
    problems.throwIfAny();
}

/** Names of what a component gives. */
export function outputsOf(component: Component): string[] {
    return Object.keys(schema.resources[`kata-cluster:index:${component}`]!.properties);
}

/** A component as a Python program makes it. What is not literal is null. */
export interface PythonCall {
    component: Component;
    args: Record<string, unknown>;
    /** Attributes that the program reads of it. */
    read: string[];
}

const pythonCalls = `
import ast, json, sys
tree = ast.parse(sys.stdin.read())
def plain(node):
    if isinstance(node, ast.Dict):
        return {key.value: plain(value) for key, value in zip(node.keys, node.values)}
    if isinstance(node, ast.List):
        return [plain(one) for one in node.elts]
    return node.value if isinstance(node, ast.Constant) else None
def calls():
    for node in ast.walk(tree):
        call = getattr(node, "value", None) if isinstance(node, ast.Assign) else None
        function = getattr(call, "func", None)
        if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "kata_cluster":
            name = node.targets[0].id
            read = [one.attr for one in ast.walk(tree)
                    if isinstance(one, ast.Attribute) and getattr(one.value, "id", "") == name]
            args = {one.arg: plain(one.value) for one in call.keywords if one.arg != "opts"}
            yield {"component": function.attr, "args": args, "read": read}
json.dump(list(calls()), sys.stdout)
`;

/** The package's components in a Python program, with names in the schema's case. @throws where it is no Python. */
export function componentsInPython(program: string): PythonCall[] {
    const told = execFileSync("python3", ["-c", pythonCalls], { input: program, stdio: "pipe", timeout: 60_000 });
    return (JSON.parse(told.toString()) as PythonCall[]).map(({ component, args, read }) => ({
        component,
        args: inCamelCase(args) as Record<string, unknown>,
        read: read.map(camelCase),
    }));
}

function inCamelCase(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(inCamelCase);
    }
    return typeof value === "object" && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [camelCase(key), inCamelCase(one)]))
        : value;
}

function camelCase(name: string): string {
    return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Names in a Go program that the package's SDK does not have: of what it exports, and of the fields of its literals. */
export function unknownInGo(program: string): string[] {
    const fields: Record<string, string[]> = {};
    const exported = new Set<string>();
    for (const [token, { inputProperties }] of Object.entries(schema.resources)) {
        fields[`${nameIn(token)}Args`] = Object.keys(inputProperties);
        exported.add(`New${nameIn(token)}`);
    }
    for (const [token, type] of Object.entries(schema.types)) {
        // The SDK has such a name for what goes in, beside the type's own for what comes out.
        fields[`${nameIn(token)}Args`] = Object.keys(type.properties ?? {});
        type.enum?.forEach(({ name, value }) => exported.add(nameIn(token) + (name ?? upperFirst(value))));
    }
    const names = [...program.matchAll(/\bkatacluster\.(\w+)/g)].map(([, name]) => name!);
    const strange = names.filter((name) => !exported.has(name) && !fields[name]);
    const literals = [...program.matchAll(/\bkatacluster\.(\w+)\{/g)];
    const wrong = literals.flatMap((literal) =>
        fieldsIn(program.slice(literal.index + literal[0].length))
            .filter((field) => !fields[literal[1]!]?.map(upperFirst).includes(field))
            .map((field) => `${literal[1]}.${field}`),
    );
    return [...strange, ...wrong];
}

/** The fields of a composite literal whose text begins after its brace, without those of literals in it. */
function fieldsIn(text: string): string[] {
    let depth = 0;
    let own = "";
    for (const letter of text) {
        depth += "{(".includes(letter) ? 1 : "})".includes(letter) ? -1 : 0;
        if (depth < 0) {
            break;
        }
        own += depth === 0 ? letter : "";
    }
    return [...own.matchAll(/(\w+):/g)].map(([, field]) => field!);
}

function nameIn(token: string): string {
    return token.split(":").at(-1)!;
}

function upperFirst(name: string): string {
    return name.charAt(0).toUpperCase() + name.slice(1);
}
