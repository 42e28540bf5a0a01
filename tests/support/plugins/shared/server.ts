import * as grpc from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { EngineLog } from "./engine";
import { listen } from "./grpc";
import { CheckFailure, Diff, DiffKind, InitializationError, Operation, StandIn } from "./provider";
import { decode, encode } from "./values";

/**
 * Serves a stand-in to the engine: prints the port on stdout, as every plugin does, and turns the engine's calls into
 * calls of `standIn`. Written on the SDK's protocol classes and not on `@pulumi/pulumi/provider`'s `Provider`, which
 * has no provider configuration, no secrets and unknowns in outputs, no detailed diff, no timeouts and no log.
 */
export async function serve(standIn: StandIn, args: string[]): Promise<void> {
    const engine = new EngineLog(engineAddress(args));
    engine.send("info", `stand-in for pulumi-resource-${standIn.name} ${standIn.version} (tests/support/plugins)`);

    await listen(ResourceProviderService, handlers(standIn, engine));
}

/** The engine's address is the first argument that is no flag. */
function engineAddress(args: string[]): string | undefined {
    return args.find((arg, i) => !arg.startsWith("-") && args[i - 1] !== "--tracing");
}

interface ResourceRequest {
    getUrn(): string;
    getType?(): string;
    getName?(): string;
    getTimeout?(): number;
}

function handlers(standIn: StandIn, engine: EngineLog) {
    const cancel = new AbortController();
    const operation = (request?: ResourceRequest): Operation => {
        const urn = request?.getUrn() ?? "";
        const type = request?.getType?.() || (urn.split("::")[2] ?? "").split("$").pop()!;
        return {
            urn,
            type,
            name: request?.getName?.() || urn.split("::").slice(3).join("::"),
            timeout: request?.getTimeout?.() ?? 0,
            cancelled: cancel.signal,
            log: (severity, message) => engine.send(severity, message, urn),
            status: (severity, message) => engine.send(severity, message, urn, true),
        };
    };
    const unary =
        <Request, Response>(run: (request: Request) => Promise<Response>) =>
        (call: { request: Request }, callback: (error: object | null, response?: Response) => void): void => {
            run(call.request).then(
                (response) => void engine.flush().then(() => callback(null, response)),
                (error) => void engine.flush().then(() => callback(grpcError(error))),
            );
        };

    return {
        getPluginInfo: unary(async () => {
            const info = new plugin.PluginInfo();
            info.setVersion(standIn.version);
            return info;
        }),
        attach: unary(async (request: plugin.PluginAttach) => {
            engine.attach(request.getAddress());
            return new Empty();
        }),
        getSchema: unary(async () => {
            const response = new proto.GetSchemaResponse();
            const resources = Object.fromEntries((standIn.referable ?? []).map((token) => [token, {}]));
            const settings = (standIn.settings ?? []).map((name) => [name, { type: "string" }] as const);
            const provider = { inputProperties: Object.fromEntries(settings) };
            response.setSchema(JSON.stringify({ name: standIn.name, version: standIn.version, provider, resources }));
            return response;
        }),
        getMappings: unary(async () => new proto.GetMappingsResponse()),
        getMapping: unary(async () => new proto.GetMappingResponse()),
        cancel: unary(async () => {
            cancel.abort(new Error("the deployment was cancelled"));
            return new Empty();
        }),
        configure: unary(async (request: proto.ConfigureRequest) => {
            await standIn.configure?.(new Map(request.getVariablesMap().entries() as Iterable<[string, string]>));
            const response = new proto.ConfigureResponse();
            response.setAcceptsecrets(true);
            response.setSupportspreview(true);
            response.setSupportsAutonamingConfiguration(standIn.name === "kubernetes");
            return response;
        }),
        checkConfig: unary(async (request: proto.CheckRequest) => {
            const failures = (await standIn.checkConfig?.(operation(request), decode(request.getNews()))) ?? [];
            return checkResponse(request.getNews()!, failures);
        }),
        diffConfig: unary(async (request: proto.DiffRequest) => {
            const diff = standIn.diffConfig
                ? await standIn.diffConfig(operation(request), decode(request.getOlds()), decode(request.getNews()))
                : { changes: false, diffs: [], replaces: [] };
            const response = new proto.DiffResponse();
            const { DIFF_SOME, DIFF_NONE } = proto.DiffResponse.DiffChanges;
            response.setChanges(diff.changes ? DIFF_SOME : DIFF_NONE);
            response.setDiffsList(diff.diffs);
            response.setReplacesList(diff.replaces);
            return response;
        }),
        check: unary(async (request: proto.CheckRequest) => {
            const naming = request.getAutonaming();
            const result = await standIn.check(operation(request), {
                olds: decode(request.getOlds()),
                news: decode(request.getNews()),
                randomSeed: request.getRandomseed_asU8(),
                autonaming: naming && {
                    mode: (["propose", "enforce", "disable"] as const)[naming.getMode()],
                    name: naming.getProposedName(),
                },
            });
            return checkResponse(encode(result.inputs), result.failures);
        }),
        diff: unary(async (request: proto.DiffRequest) =>
            diffResponse(
                await standIn.diff(operation(request), {
                    id: request.getId(),
                    olds: decode(request.getOlds()),
                    news: decode(request.getNews()),
                    oldInputs: decode(request.getOldInputs()),
                    ignoreChanges: request.getIgnorechangesList(),
                }),
            ),
        ),
        create: unary(async (request: proto.CreateRequest) => {
            const inputs = decode(request.getProperties());
            const { id, outputs } = await standIn.create(operation(request), inputs, request.getPreview());
            const response = new proto.CreateResponse();
            response.setId(id);
            response.setProperties(encode(outputs));
            return response;
        }),
        read: unary(async (request: proto.ReadRequest) => {
            const state = decode(request.getProperties());
            const result = await standIn.read(operation(request), request.getId(), state, decode(request.getInputs()));
            const response = new proto.ReadResponse();
            if (result) {
                response.setId(result.id);
                response.setProperties(encode(result.state));
                response.setInputs(encode(result.inputs));
            }
            return response;
        }),
        update: unary(async (request: proto.UpdateRequest) => {
            const outputs = await standIn.update(operation(request), {
                id: request.getId(),
                olds: decode(request.getOlds()),
                news: decode(request.getNews()),
                oldInputs: decode(request.getOldInputs()),
                ignoreChanges: request.getIgnorechangesList(),
                preview: request.getPreview(),
            });
            const response = new proto.UpdateResponse();
            response.setProperties(encode(outputs));
            return response;
        }),
        delete: unary(async (request: proto.DeleteRequest) => {
            await standIn.delete(operation(request), request.getId(), decode(request.getProperties()));
            return new Empty();
        }),
        invoke: unary(async (request: proto.InvokeRequest) => {
            const response = new proto.InvokeResponse();
            response.setReturn(encode(await standIn.invoke(operation(), request.getTok(), decode(request.getArgs()))));
            return response;
        }),
    };
}

function checkResponse(inputs: ReturnType<typeof encode>, failures: CheckFailure[]): proto.CheckResponse {
    const response = new proto.CheckResponse();
    response.setInputs(inputs);
    for (const { property, reason } of failures) {
        const failure = new proto.CheckFailure();
        failure.setProperty(property);
        failure.setReason(reason);
        response.addFailures(failure);
    }
    return response;
}

function diffResponse(diff: Diff): proto.DiffResponse {
    const Kind = proto.PropertyDiff.Kind;
    const kinds: Record<DiffKind, proto.PropertyDiff.Kind> = {
        add: Kind.ADD,
        delete: Kind.DELETE,
        update: Kind.UPDATE,
        addReplace: Kind.ADD_REPLACE,
        deleteReplace: Kind.DELETE_REPLACE,
        updateReplace: Kind.UPDATE_REPLACE,
    };
    const response = new proto.DiffResponse();
    const { DIFF_SOME, DIFF_NONE } = proto.DiffResponse.DiffChanges;
    response.setChanges((diff.changes ?? diff.detailed.size > 0) ? DIFF_SOME : DIFF_NONE);
    response.setHasdetaileddiff(true);
    response.setDeletebeforereplace(diff.deleteBeforeReplace ?? false);
    const replaces = new Set(diff.replaces);
    for (const [path, { kind, inputDiff }] of diff.detailed) {
        const property = new proto.PropertyDiff();
        property.setKind(kinds[kind]);
        property.setInputdiff(inputDiff);
        response.getDetaileddiffMap().set(path, property);
        response.addDiffs(path.replace(/[.[].*$/s, ""));
        if (kind.endsWith("Replace")) {
            replaces.add(path);
        }
    }
    response.setReplacesList([...replaces]);
    return response;
}

/** An error as the engine expects it; one with a state is packed into the status details. */
function grpcError(error: unknown): object {
    const message = error instanceof Error ? error.message : String(error);
    const code = grpc.status.UNKNOWN;
    if (!(error instanceof InitializationError)) {
        return { code, details: message, message };
    }
    const detail = new proto.ErrorResourceInitFailed();
    detail.setId(error.id);
    detail.setProperties(encode(error.state));
    detail.setReasonsList(error.reasons);
    if (error.inputs) {
        detail.setInputs(encode(error.inputs));
    }
    const any = new Any();
    any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new Status();
    status.setCode(code);
    status.setMessage(message);
    status.addDetails(any);
    const metadata = new grpc.Metadata();
    metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
    return { code, details: message, message, metadata };
}
