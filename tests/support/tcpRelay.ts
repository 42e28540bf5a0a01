import { AddressInfo, connect, createServer, Server, Socket } from "node:net";

/** Where a relay passes a connection on to: a port on 127.0.0.1, or nowhere. */
export type Choose = () => number | undefined;

/** Listens on 127.0.0.1, passes connections on as they are, and counts them. */
export class TcpRelay {
    /** Connections so far. */
    connections = 0;
    private readonly sockets = new Set<Socket>();
    private readonly server: Server;

    private constructor(choose: Choose) {
        this.server = createServer((socket) => {
            this.connections++;
            const target = choose();
            if (target === undefined) {
                socket.on("error", () => undefined).destroy();
                return;
            }
            this.join(socket, connect({ host: "127.0.0.1", port: target, noDelay: true }));
        });
    }

    static async start(choose: Choose): Promise<TcpRelay> {
        const relay = new TcpRelay(choose);
        await new Promise<void>((resolve, reject) => {
            relay.server.once("error", reject).listen(0, "127.0.0.1", resolve);
        });
        return relay;
    }

    get port(): number {
        return (this.server.address() as AddressInfo).port;
    }

    async close(): Promise<void> {
        this.sockets.forEach((socket) => socket.destroy());
        await new Promise((resolve) => this.server.close(resolve));
    }

    private join(...pair: [Socket, Socket]) {
        for (const [one, other] of [pair, [...pair].reverse() as [Socket, Socket]]) {
            this.sockets.add(one);
            one.setNoDelay(true);
            one.pipe(other);
            one.on("error", () => other.destroy());
            one.on("close", () => {
                this.sockets.delete(one);
                other.destroy();
            });
        }
    }
}
