import * as fs from "node:fs";
import * as path from "node:path";
import * as ts from "typescript";

/** What the provider's SDK says of a property: its type, and what its doc comment adds. */
export interface Field {
    shape: Shape;
    required: boolean;
    /** The values that the doc comment allows: "Possible values are: `A`, `B`". */
    values?: string[];
    /** Whether the doc comment says that a change makes a new resource. */
    replaces: boolean;
}

/** A type of the SDK. `any` is one that is not looked into. */
export type Shape =
    | { kind: "string" | "number" | "boolean" | "any" }
    | { kind: "list" | "map"; element: Shape }
    | { kind: "object"; name: string; fields(): Record<string, Field> };

const folder = path.dirname(require.resolve("@pulumi/gcp/package.json"));
const known = new Map<string, Record<string, Field>>();
const texts = new Map<string, string>();

/** The inputs of a resource, from the interface `<Class>Args`. `type` is a token: `gcp:compute/instance:Instance`. */
export function inputsOf(type: string): Record<string, Field> {
    const { file, name } = moduleOf(type);
    return fieldsOf(file, `${name}Args`, `export interface ${name}Args {`);
}

/** The outputs of a resource, from its class. Those that are always there are `required`. */
export function outputsOf(type: string): Record<string, Field> {
    const { file, name } = moduleOf(type);
    return fieldsOf(file, name, `export declare class ${name} extends `);
}

/** The arguments of a function, from the interface `<Function>Args`. */
export function argumentsOf(token: string): Record<string, Field> {
    const { file, name } = moduleOf(token);
    const args = `${name[0]!.toUpperCase()}${name.slice(1)}Args`;
    return fieldsOf(file, args, `export interface ${args} {`);
}

function moduleOf(token: string): { file: string; name: string } {
    const [, module, name] = token.split(":");
    return { file: `${module}.d.ts`, name: name! };
}

/** The fields of a declaration that begins with `head`. */
function fieldsOf(file: string, name: string, head: string): Record<string, Field> {
    const key = `${file} ${name}`;
    if (!known.has(key)) {
        known.set(key, parse(declaration(file, head)));
    }
    return known.get(key)!;
}

/**
 * The text of one declaration. The files that hold the nested types are 13 MB together, and the compiler takes seconds
 * for them; they are laid out by a program, so that a declaration ends with the brace at its own indentation.
 */
function declaration(file: string, head: string): string {
    if (!texts.has(file)) {
        texts.set(file, fs.readFileSync(path.join(folder, file), "utf8"));
    }
    const text = texts.get(file)!;
    const from = file.startsWith("types/") ? text.indexOf("\nexport declare namespace compute {") : 0;
    const start = text.indexOf(`\n${head}`, from);
    if (from < 0 || start < 0) {
        throw new Error(`@pulumi/gcp has no "${head.trim()}" in ${file}`);
    }
    const indentation = /^ */.exec(head)![0];
    return text.slice(start, text.indexOf(`\n${indentation}}`, start)) + `\n${indentation}}`;
}

function parse(text: string): Record<string, Field> {
    const source = ts.createSourceFile("declaration.d.ts", text, ts.ScriptTarget.Latest);
    const node = source.statements[0] as ts.InterfaceDeclaration | ts.ClassDeclaration;
    const fields: Record<string, Field> = {};
    for (const member of node.members as ts.NodeArray<ts.Node>) {
        const isField = ts.isPropertySignature(member) || ts.isPropertyDeclaration(member);
        if (isField && member.type && ts.isIdentifier(member.name)) {
            const { shape, optional } = shapeOf(member.type);
            const comment = (ts.getLeadingCommentRanges(text, member.pos) ?? [])
                .map(({ pos, end }) => text.slice(pos, end))
                .join("\n")
                .replace(/\n\s*\*/g, " ")
                .replace(/\s+/g, " ");
            fields[member.name.text] = {
                shape,
                required: !optional && !member.questionToken,
                values: possibleValues(comment),
                replaces:
                    /changing this forces a new resource|must be recreated to modify|this field is immutable/i.test(
                        comment,
                    ),
            };
        }
    }
    return fields;
}

function possibleValues(comment: string): string[] | undefined {
    const list = /Possible values are: ((?:`[^`]+`(?:, | and | or |, and |, or )?)+)/.exec(comment)?.[1];
    return list?.match(/`[^`]+`/g)!.map((value) => value.slice(1, -1));
}

function shapeOf(node: ts.TypeNode): { shape: Shape; optional: boolean } {
    if (ts.isUnionTypeNode(node)) {
        const others = node.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword);
        const shape: Shape = others.length === 1 ? shapeOf(others[0]!).shape : { kind: "any" };
        return { shape, optional: others.length < node.types.length };
    }
    if (ts.isTypeReferenceNode(node)) {
        const name = dotted(node.typeName);
        const [first] = node.typeArguments ?? [];
        if (first && (name === "pulumi.Input" || name === "pulumi.Output")) {
            return shapeOf(first);
        }
        const [side, module, type] = name.split(".");
        if ((side === "inputs" || side === "outputs") && module === "compute" && type) {
            const file = side === "inputs" ? "types/input.d.ts" : "types/output.d.ts";
            return needed({
                kind: "object",
                name: type,
                fields: () => fieldsOf(file, type, `    interface ${type} {`),
            });
        }
    }
    if (ts.isArrayTypeNode(node)) {
        return needed({ kind: "list", element: shapeOf(node.elementType).shape });
    }
    if (ts.isTypeLiteralNode(node)) {
        const [index] = node.members;
        return needed(
            index && ts.isIndexSignatureDeclaration(index)
                ? { kind: "map", element: shapeOf(index.type).shape }
                : { kind: "any" },
        );
    }
    const primitives: Partial<Record<ts.SyntaxKind, Shape>> = {
        [ts.SyntaxKind.StringKeyword]: { kind: "string" },
        [ts.SyntaxKind.NumberKeyword]: { kind: "number" },
        [ts.SyntaxKind.BooleanKeyword]: { kind: "boolean" },
    };
    return needed(primitives[node.kind] ?? { kind: "any" });
}

function needed(shape: Shape): { shape: Shape; optional: boolean } {
    return { shape, optional: false };
}

function dotted(name: ts.EntityName): string {
    return ts.isIdentifier(name) ? name.text : `${dotted(name.left)}.${name.right.text}`;
}
