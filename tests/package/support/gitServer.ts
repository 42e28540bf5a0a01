import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { ServerResponse } from "node:http";
import * as https from "node:https";
import { AddressInfo } from "node:net";
import * as path from "node:path";

/** Serves git repositories over https on the loopback interface, by git's own CGI program. */
export interface GitServer {
    /** Without a trailing slash. */
    url: string;
    /** Path of the certificate that clients are to trust. */
    certificate: string;
    close(): Promise<void>;
}

/** Starts a server of the repositories below a folder, which gets the server's certificate too. */
export async function startGitServer(folder: string): Promise<GitServer> {
    const [key, certificate] = [path.join(folder, "key.pem"), path.join(folder, "certificate.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"];
    execFileSync("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", certificate, ...name], {
        stdio: "ignore",
    });
    const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(certificate) }, (req, res) => {
        const url = new URL(req.url!, "https://localhost");
        const cgi = spawn("git", ["http-backend"], {
            stdio: ["pipe", "pipe", "inherit"],
            env: {
                ...process.env,
                GIT_PROJECT_ROOT: folder,
                GIT_HTTP_EXPORT_ALL: "1",
                PATH_INFO: url.pathname,
                QUERY_STRING: url.search.slice(1),
                REQUEST_METHOD: req.method,
                CONTENT_TYPE: req.headers["content-type"],
                HTTP_CONTENT_ENCODING: req.headers["content-encoding"],
            },
        });
        req.pipe(cgi.stdin);
        const output: Buffer[] = [];
        cgi.stdout.on("data", (data: Buffer) => output.push(data));
        cgi.once("close", () => answer(res, Buffer.concat(output)));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
        url: `https://localhost:${(server.address() as AddressInfo).port}`,
        certificate,
        close: () => new Promise((resolve) => server.close(() => resolve())),
    };
}

/** What a CGI program printed: headers, an empty line, the body. */
function answer(response: ServerResponse, output: Buffer): void {
    const end = output.indexOf("\r\n\r\n");
    for (const line of output.subarray(0, end).toString().split("\r\n")) {
        const [name, value] = line.split(/: (.*)/s);
        if (name === "Status") {
            response.statusCode = parseInt(value!);
        } else {
            response.setHeader(name!, value!);
        }
    }
    response.end(output.subarray(end + 4));
}
