import * as fs from "node:fs";
import * as http from "node:http";
import { AddressInfo } from "node:net";

/** A file that is served. */
export interface Served {
    file: string;
    /** Identifies the content: its digest. */
    tag: string;
    headers?: Record<string, string>;
}

/** A server that runs. */
export interface RunningServer {
    port: number;
    close(): Promise<void>;
}

/**
 * Serves files over HTTP on the loopback interface: GET and HEAD, whole or the part that a Range header names, so that
 * a download that broke off is resumed.
 *
 * @param find gives the file for a decoded path, or nothing
 */
export async function serveFiles(find: (path: string) => Served | undefined, port = 0): Promise<RunningServer> {
    const server = http.createServer((request, response) => answer(find, request, response));
    await new Promise<void>((resolve, reject) => {
        server.once("error", (error: NodeJS.ErrnoException) =>
            reject(
                error.code === "EADDRINUSE"
                    ? new Error(`port ${port} on 127.0.0.1 is taken. Fix: free it, or let the lab take another port`)
                    : error,
            ),
        );
        server.listen(port, "127.0.0.1", resolve);
    });
    return {
        port: (server.address() as AddressInfo).port,
        close: () =>
            new Promise((resolve) => {
                server.close(() => resolve());
                server.closeAllConnections();
            }),
    };
}

function answer(
    find: (path: string) => Served | undefined,
    request: http.IncomingMessage,
    response: http.ServerResponse,
) {
    const end = (status: number, headers: http.OutgoingHttpHeaders = {}) =>
        response.writeHead(status, { "Content-Length": 0, ...headers }).end();
    if (request.method !== "GET" && request.method !== "HEAD") {
        return end(405, { Allow: "GET, HEAD" });
    }
    const served = find(decodedPath(request.url ?? "/"));
    const size = served && fs.statSync(served.file, { throwIfNoEntry: false })?.size;
    if (!served || size === undefined) {
        return end(404);
    }
    const etag = `"${served.tag}"`;
    const headers = { "Accept-Ranges": "bytes", ETag: etag, ...served.headers };
    const conditional = request.headers["if-range"];
    const range = conditional === undefined || conditional === etag ? request.headers.range : undefined;
    const part = parseRange(range, size);
    if (part === "unsatisfiable") {
        return end(416, { "Content-Range": `bytes */${size}` });
    }
    const { first, last } = part ?? { first: 0, last: size - 1 };
    response.writeHead(part ? 206 : 200, {
        "Content-Type": "application/octet-stream",
        ...headers,
        "Content-Length": last - first + 1,
        ...(part ? { "Content-Range": `bytes ${first}-${last}/${size}` } : {}),
    });
    if (request.method === "HEAD" || size === 0) {
        return response.end();
    }
    // Neither a client that goes away nor a file that does may end the process: the connection is cut.
    const stream = fs.createReadStream(served.file, { start: first, end: last, highWaterMark: 1 << 20 });
    stream.once("error", () => response.destroy());
    response.once("close", () => stream.destroy());
    return stream.pipe(response);
}

function decodedPath(url: string): string {
    try {
        return decodeURIComponent(url.replace(/[?#].*$/, ""));
    } catch {
        return "";
    }
}

/**
 * The part of a file that a Range header asks for, by RFC 9110.
 *
 * @returns nothing for the whole file: without a header, for a unit that is not bytes, for several parts
 */
export function parseRange(
    header: string | undefined,
    size: number,
): { first: number; last: number } | "unsatisfiable" | undefined {
    const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
    if (!match || (match[1] === "" && match[2] === "")) {
        return undefined;
    }
    const [, from, to] = match as unknown as [string, string, string];
    if (from === "") {
        const length = Math.min(Number(to), size);
        return length > 0 ? { first: size - length, last: size - 1 } : "unsatisfiable";
    }
    const first = Number(from);
    const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
    if (to !== "" && Number(to) < first) {
        return undefined;
    }
    return first < size ? { first, last } : "unsatisfiable";
}
