import * as fs from "node:fs";
import * as http from "node:http";
import * as path from "node:path";

/**
 * A download server with faults: server.ts DIRECTORY LOG PORT-FILE
 *
 * `/NAME` serves the file with ranges. `/cut/NAME` breaks off in the middle the first time, `/hang/NAME` stops there
 * without closing, `/whole/NAME` breaks off once and knows no ranges, `/status/CODE/…` answers with that status.
 * The log has a line a request: path and range.
 */
const [directory, log, portFile] = process.argv.slice(2) as [string, string, string];
const seen = new Set<string>();

const server = http.createServer((request, response) => {
    const url = request.url ?? "/";
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
    fs.appendFileSync(log, `${request.method} ${url} ${range ?? "-"}\n`);
    const [, fault = "", name = ""] = /^\/(?:(cut|hang|whole|status)\/)?(.*)$/.exec(url) ?? [];
    if (fault === "status") {
        response.writeHead(Number(name.split("/")[0])).end();
        return;
    }
    const file = path.join(directory, path.normalize(`/${name}`));
    if (!fs.existsSync(file)) {
        response.writeHead(404).end();
        return;
    }
    const body = fs.readFileSync(file);
    const first = !seen.has(url);
    seen.add(url);
    const start = fault === "whole" ? 0 : Number(range ?? 0);
    if (start > 0 && start >= body.length) {
        response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
        return;
    }
    const rest = body.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
        "content-length": rest.length,
        ...(start > 0 ? { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
    });
    if (request.method === "HEAD") {
        response.end();
    } else if (first && fault !== "") {
        response.write(rest.subarray(0, rest.length / 2), () => {
            if (fault !== "hang") {
                setTimeout(() => request.socket.destroy(), 200);
            }
        });
    } else {
        response.end(rest);
    }
});

server.listen(0, "127.0.0.1", () => {
    const address = server.address() as { port: number };
    fs.writeFileSync(`${portFile}.new`, String(address.port));
    fs.renameSync(`${portFile}.new`, portFile);
});
