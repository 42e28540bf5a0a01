import { PropertyMap } from "./values";

/** Severities of the engine's log. */
export type Severity = "debug" | "info" | "warning" | "error";

/** What every call of the engine brings along: which resource, until when, and where to log. */
export interface Operation {
    readonly urn: string;
    /** The type token, for example `command:remote:Command`. */
    readonly type: string;
    /** The resource's name in the program. */
    readonly name: string;
    /** `customTimeouts` of this operation in seconds, 0 if there is none. */
    readonly timeout: number;
    /** Aborted when the engine cancels the deployment. */
    readonly cancelled: AbortSignal;
    /** A message that stays in the output. */
    log(severity: Severity, message: string): void;
    /** A message that is shown while the operation runs. */
    status(severity: Severity, message: string): void;
}

/** A property that `check` refuses. */
export interface CheckFailure {
    property: string;
    reason: string;
}

/** What a change of one property does. */
export type DiffKind = "add" | "delete" | "update" | "addReplace" | "deleteReplace" | "updateReplace";

/** The answer of `diff`: property paths and what their changes do. */
export interface Diff {
    /** Overrules "there is at least one path in `detailed`". */
    changes?: boolean;
    /** Further property names that force a replacement. */
    replaces?: string[];
    detailed: Map<string, { kind: DiffKind; inputDiff: boolean }>;
    deleteBeforeReplace?: boolean;
}

/** The answer of `diffConfig`. */
export interface ConfigDiff {
    changes: boolean;
    diffs: string[];
    replaces: string[];
}

export interface CheckArgs {
    olds: PropertyMap;
    news: PropertyMap;
    /** Seed of the random part of an automatic name. */
    randomSeed: Uint8Array;
    /** The engine's own naming pattern, if the project sets one. */
    autonaming?: { mode: "propose" | "enforce" | "disable"; name: string };
}

export interface DiffArgs {
    id: string;
    olds: PropertyMap;
    news: PropertyMap;
    oldInputs: PropertyMap;
    ignoreChanges: string[];
}

export interface UpdateArgs extends DiffArgs {
    preview: boolean;
}

/** The functions that a stand-in implements; the server does the wire format. */
export interface StandIn {
    readonly name: string;
    /** The version of the real plugin, which the engine compares with what the SDK asks for. */
    readonly version: string;
    /** Type tokens of the resources that schemas of other packages refer to. */
    readonly referable?: string[];
    /** Names of texts that a provider of it is configured with. YAML programs are checked against them. */
    readonly settings?: string[];
    checkConfig?(op: Operation, news: PropertyMap): Promise<CheckFailure[]>;
    diffConfig?(op: Operation, olds: PropertyMap, news: PropertyMap): Promise<ConfigDiff>;
    configure?(variables: Map<string, string>): Promise<void>;
    check(op: Operation, args: CheckArgs): Promise<{ inputs: PropertyMap; failures: CheckFailure[] }>;
    diff(op: Operation, args: DiffArgs): Promise<Diff>;
    create(op: Operation, inputs: PropertyMap, preview: boolean): Promise<{ id: string; outputs: PropertyMap }>;
    read(
        op: Operation,
        id: string,
        state: PropertyMap,
        inputs: PropertyMap,
    ): Promise<{ id: string; state: PropertyMap; inputs: PropertyMap } | undefined>;
    update(op: Operation, args: UpdateArgs): Promise<PropertyMap>;
    delete(op: Operation, id: string, state: PropertyMap): Promise<void>;
    invoke(op: Operation, token: string, args: PropertyMap): Promise<PropertyMap>;
}

/** The resource exists but is not ready: the engine keeps its state and repairs it in the next run. */
export class InitializationError extends Error {
    constructor(
        message: string,
        readonly id: string,
        readonly state: PropertyMap,
        readonly reasons: string[],
        readonly inputs?: PropertyMap,
    ) {
        super(message);
    }
}
