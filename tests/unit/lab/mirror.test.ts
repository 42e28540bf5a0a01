import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import * as os from "node:os";
import * as path from "node:path";
import { parseRange, RunningServer, serveFiles } from "../../lab/mirror";

describe("lab: mirror", () => {
    const content = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251));
    let folder: string;
    let server: RunningServer;

    before(async () => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-mirror-"));
        const file = path.join(folder, "file");
        fs.writeFileSync(file, content);
        fs.writeFileSync(path.join(folder, "empty"), "");
        const files: Record<string, string> = {
            "/host/path/file": file,
            "/host/empty": path.join(folder, "empty"),
            "/host/gone": path.join(folder, "gone"),
        };
        server = await serveFiles((url) => (files[url] ? { file: files[url], tag: "digest" } : undefined));
    });

    after(async () => {
        await server.close();
        fs.rmSync(folder, { recursive: true });
    });

    const url = (where: string) => `http://127.0.0.1:${server.port}${where}`;
    const get = (where: string, headers: Record<string, string> = {}, method = "GET") =>
        fetch(url(where), { headers, method });
    const body = async (response: Response) => Buffer.from(await response.arrayBuffer());

    it("serves a whole file", async () => {
        const response = await get("/host/path/file");
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("content-length"), "5000");
        assert.equal(response.headers.get("accept-ranges"), "bytes");
        assert.deepEqual(await body(response), content);
    });

    it("goes on where a download broke off", async () => {
        const response = await get("/host/path/file", { range: "bytes=1234-" });
        assert.equal(response.status, 206);
        assert.equal(response.headers.get("content-range"), "bytes 1234-4999/5000");
        assert.deepEqual(await body(response), content.subarray(1234));
    });

    it("serves a part from the middle and from the end", async () => {
        assert.deepEqual(await body(await get("/host/path/file", { range: "bytes=10-19" })), content.subarray(10, 20));
        assert.deepEqual(await body(await get("/host/path/file", { range: "bytes=-7" })), content.subarray(-7));
    });

    it("refuses to go on behind the end", async () => {
        const response = await get("/host/path/file", { range: "bytes=5000-" });
        assert.equal(response.status, 416);
        assert.equal(response.headers.get("content-range"), "bytes */5000");
    });

    it("starts again when the file is another one by now", async () => {
        const changed = await get("/host/path/file", { range: "bytes=10-", "if-range": '"older"' });
        assert.equal(changed.status, 200);
        assert.deepEqual(await body(changed), content);
        const same = await get("/host/path/file", { range: "bytes=10-", "if-range": '"digest"' });
        assert.equal(same.status, 206);
        await same.body?.cancel();
    });

    it("answers HEAD with the length and no body", async () => {
        const response = await get("/host/path/file", {}, "HEAD");
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("content-length"), "5000");
        assert.equal((await body(response)).length, 0);
    });

    it("serves an empty file", async () => {
        const response = await get("/host/empty");
        assert.equal(response.status, 200);
        assert.equal((await body(response)).length, 0);
    });

    it("has nothing but what it was told to serve", async () => {
        for (const where of ["/", "/host/path", "/host/gone", "/host/path/../../etc/passwd", "/%zz"]) {
            assert.equal((await get(where)).status, 404, where);
        }
        assert.equal((await get("/host/path/file", {}, "PUT")).status, 405);
    });

    it("outlives a client that goes away", async () => {
        await new Promise<void>((resolve, reject) => {
            const request = http.get(url("/host/path/file"), (response) => {
                response.destroy();
                resolve();
            });
            request.once("error", reject);
        });
        assert.equal((await get("/host/path/file", {}, "HEAD")).status, 200);
    });

    it("names the port that is taken", async () => {
        await assert.rejects(
            serveFiles(() => undefined, server.port),
            new RegExp(`port ${server.port} on 127.0.0.1 is taken`),
        );
    });

    it("is on the loopback interface only", async () => {
        const outside = Object.values(os.networkInterfaces())
            .flat()
            .find((entry) => entry && !entry.internal && entry.family === "IPv4");
        if (!outside) {
            return; // A computer without a network has nowhere else to be reached.
        }
        await assert.rejects(fetch(`http://${outside.address}:${server.port}/host/path/file`));
    });
});

describe("lab: Range header", () => {
    it("is read as RFC 9110 has it", () => {
        const cases: [string | undefined, number, ReturnType<typeof parseRange>][] = [
            [undefined, 10, undefined],
            ["bytes=0-", 10, { first: 0, last: 9 }],
            ["bytes=0-0", 10, { first: 0, last: 0 }],
            ["bytes=5-100", 10, { first: 5, last: 9 }],
            ["bytes=-3", 10, { first: 7, last: 9 }],
            ["bytes=-30", 10, { first: 0, last: 9 }],
            ["bytes=-0", 10, "unsatisfiable"],
            ["bytes=10-", 10, "unsatisfiable"],
            ["bytes=0-", 0, "unsatisfiable"],
            ["bytes=6-5", 10, undefined],
            ["bytes=0-1,4-5", 10, undefined],
            ["bytes=-", 10, undefined],
            ["lines=0-1", 10, undefined],
        ];
        for (const [header, size, expected] of cases) {
            assert.deepEqual(parseRange(header, size), expected, `${header} of ${size}`);
        }
    });
});
