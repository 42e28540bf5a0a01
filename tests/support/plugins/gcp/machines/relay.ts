import * as fs from "node:fs";
import { AddressInfo, connect, createServer, Socket } from "node:net";
import { SshServer } from "../../../sshServer";
import { Cloud, Stored } from "../cloud";
import { addressesOf } from "../rules/references";
import { authorizedKeys } from "./metadata";
import { balanced, instanceAt, route, sourceOf, Target } from "./routes";

/*
 * A process beside the plugin, for one resource of the fake cloud: it takes connections at the resource's external
 * address, on the true ports, and passes them on to what stands for it. For a relay (an instance without nested
 * virtualization) it is also the SSH server. It looks at the cloud anew for every connection, outlives the plugin, and
 * ends when the resource is gone.
 *
 * relay.js FOLDER KEY, started by startRelay, which it tells what it listens on.
 */

const [folder, key] = process.argv.slice(2) as [string, string];
const cloud = new Cloud(folder);
const ports = [22, 6443];

async function main() {
    const resource = cloud.need(key);
    const ssh = resource.collection === "instances" && !resource.machine ? await sshServer(resource) : undefined;
    const own = ssh && { hostKey: ssh.hostKey, sshPort: ssh.port };
    const external = addressesOf(resource).filter((address) => address.startsWith("127."));
    for (const host of external) {
        for (const port of resource.collection === "instances" ? ports : [6443]) {
            await listen(host, port, (source) => targetOf(port, source));
        }
    }
    process.send!({ machine: own });
    setInterval(() => {
        if (!fs.existsSync(cloud.file(key))) {
            process.exit();
        }
    }, 250);
}

/** An SSH server that runs nothing and only forwards, to addresses of the network and as far as its firewall allows. */
function sshServer(resource: Stored): Promise<SshServer> {
    return SshServer.start({
        authorizedKeys: (user) => authorizedKeys(cloud.get(resource.key), user),
        forwardOnly: (host, port) => {
            const instance = instanceAt(cloud, resource.project, host);
            const target = instance && route(cloud, instance, port, sourceOf(cloud.need(resource.key)));
            fs.appendFileSync(
                `${cloud.file(resource.key)}.connections`,
                `${host}:${port} ${target ? "open" : "refused"}\n`,
            );
            return target;
        },
    });
}

async function targetOf(port: number, source: string): Promise<Target | undefined> {
    const resource = cloud.get(key);
    return resource?.collection === "forwardingRules"
        ? balanced(cloud, resource, { address: source })
        : resource && route(cloud, resource, port, { address: source });
}

/** Passes connections on. A connection that the firewall does not let through is closed at once. */
async function listen(host: string, port: number, target: (source: string) => Promise<Target | undefined>) {
    const server = createServer((socket) => {
        socket.on("error", () => socket.destroy());
        target(socket.remoteAddress ?? "").then(
            (to) => (to ? pipe(socket, connect(to)) : socket.destroy()),
            () => socket.destroy(),
        );
    });
    // The relay of a resource that was just replaced may not have left the address yet.
    for (const end = Date.now() + 5000; ;) {
        try {
            await new Promise<AddressInfo>((resolve, reject) => {
                server.once("error", reject);
                server.listen(port, host, () => resolve(server.address() as AddressInfo));
            });
            return;
        } catch (error) {
            if (Date.now() > end || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") {
                throw error;
            }
            await new Promise((resolve) => setTimeout(resolve, 200));
        }
    }
}

function pipe(one: Socket, other: Socket) {
    other.on("error", () => one.destroy());
    one.on("close", () => other.destroy());
    other.on("close", () => one.destroy());
    one.pipe(other).pipe(one);
}

main().catch((error: unknown) => {
    process.send!({ error: error instanceof Error ? error.message : String(error) }, () => process.exit(1));
});
