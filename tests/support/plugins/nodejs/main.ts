import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/language_pb";
import { PackageDependency, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { version } from "@pulumi/pulumi/version";
import { EngineLog } from "../shared/engine";
import { listen, unary } from "../shared/grpc";

/*
 * Stand-in for pulumi-language-nodejs, as far as a component package needs it: it installs the package's dependencies
 * and runs its provider, which is the SDK's own `run-plugin`. It runs no programs and makes no SDKs for Node.js.
 */

type PluginCall = grpc.ServerWritableStream<proto.RunPluginRequest, proto.RunPluginResponse>;
type InstallCall = grpc.ServerWritableStream<proto.InstallDependenciesRequest, proto.InstallDependenciesResponse>;

const engine = new EngineLog(process.argv.slice(2).find((arg) => !arg.startsWith("-")));
engine.send("info", `stand-in for pulumi-language-nodejs ${version} (tests/support/plugins)`);

void listen(LanguageRuntimeService, {
    handshake: unary(async () => new proto.LanguageHandshakeResponse()),
    getPluginInfo: unary(async () => {
        const info = new PluginInfo();
        info.setVersion(version);
        return info;
    }),
    getRequiredPackages: unary(async (request: proto.GetRequiredPackagesRequest) => {
        const response = new proto.GetRequiredPackagesResponse();
        response.setPackagesList(providersOf(request.getInfo()!.getProgramDirectory()));
        return response;
    }),
    // A plugin gets what is not for its development, from the lock file.
    installDependencies: (call: InstallCall) => {
        const npm = ["npm", "install", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
        const response = (stream: "stdout" | "stderr", data: Buffer) => {
            const message = new proto.InstallDependenciesResponse();
            message[stream === "stdout" ? "setStdout" : "setStderr"](data);
            return message;
        };
        stream(call, npm, { cwd: call.request.getInfo()!.getProgramDirectory() }, response);
    },
    runPlugin: (call: PluginCall) => {
        const folder = call.request.getInfo()!.getProgramDirectory();
        const run = createRequire(path.join(folder, "index.js")).resolve("@pulumi/pulumi/cmd/run-plugin");
        const variables = call.request.getEnvList().map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]);
        const env = variables.length > 0 ? Object.fromEntries(variables) : withoutTsNode(process.env);
        const node = [process.execPath, run, folder, ...call.request.getArgsList()];
        const response = (stream: "stdout" | "stderr", data: Buffer) => {
            const message = new proto.RunPluginResponse();
            message[stream === "stdout" ? "setStdout" : "setStderr"](data);
            return message;
        };
        stream(call, node, { cwd: call.request.getPwd(), env }, response);
    },
});

/** What a program's installed SDKs need as plugins: those of `@pulumi` whose package.json says so. */
function providersOf(folder: string): PackageDependency[] {
    const scope = path.join(folder, "node_modules/@pulumi");
    const names = fs.existsSync(scope) ? fs.readdirSync(scope) : [];
    return names.flatMap((name) => {
        const manifest = JSON.parse(fs.readFileSync(path.join(scope, name, "package.json"), "utf8")) as {
            version: string;
            pulumi?: { resource?: boolean };
        };
        if (!manifest.pulumi?.resource) {
            return [];
        }
        const found = new PackageDependency();
        found.setName(name);
        found.setKind("resource");
        found.setVersion(manifest.version);
        return [found];
    });
}

/** How this stand-in itself is started says nothing of how the package is. */
function withoutTsNode(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("TS_NODE_")));
}

/** Runs a command for as long as the engine listens, and passes on what it prints. */
function stream<Request, Response>(
    call: grpc.ServerWritableStream<Request, Response>,
    [program, ...args]: string[],
    options: { cwd: string; env?: NodeJS.ProcessEnv },
    response: (stream: "stdout" | "stderr", data: Buffer) => Response,
): void {
    const child = spawn(program!, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (data: Buffer) => call.write(response("stdout", data)));
    child.stderr.on("data", (data: Buffer) => call.write(response("stderr", data)));
    call.on("cancelled", () => child.kill());
    const fail = (details: string) => call.emit("error", { code: grpc.status.UNKNOWN, details });
    child.once("error", (error) => fail(error.message));
    child.once("close", (code, signal) =>
        code === 0 ? call.end() : fail(`${program} ended with ${signal ?? `exit code ${code}`}`),
    );
}
