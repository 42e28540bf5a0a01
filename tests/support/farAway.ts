import { AddressInfo, connect, createServer } from "node:net";
import { Traffic } from "./ssh/faults";
import { Wire } from "./ssh/wire";

/** A port on 127.0.0.1 that leads to another one there, over a longer way. */
export class FarAway {
    /** Milliseconds of a round trip, for connections from now on. */
    latency = 0;
    readonly traffic: Traffic = { connections: 0, received: 0, sent: 0 };
    private readonly server;

    private constructor(to: number) {
        this.server = createServer({ noDelay: true }, (socket) => {
            this.traffic.connections++;
            const wire = new Wire(socket, this.latency, this.traffic);
            const target = connect({ host: "127.0.0.1", port: to, noDelay: true });
            wire.whenOpen(() => wire.pipe(target).pipe(wire));
            target.on("error", () => wire.destroy());
            wire.on("error", () => target.destroy());
            wire.on("close", () => target.destroy());
        });
    }

    static async start(to: number): Promise<FarAway> {
        const relay = new FarAway(to);
        await new Promise<void>((resolve) => relay.server.listen(0, "127.0.0.1", resolve));
        return relay;
    }

    get port(): number {
        return (this.server.address() as AddressInfo).port;
    }

    close(): void {
        this.server.close();
    }
}
