import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { Traffic } from "./faults";

/**
 * A TCP connection as it is over a longer way: every chunk, in either direction, comes later by half a round trip, in
 * order, and the first ones by what the TCP handshake takes too. So does a `netem` delay, without a kernel's help. There
 * is no limit on how much is under way: a large upload is faster than TCP's slow start would let it be.
 */
export class Wire extends Duplex {
    private readonly toServer = new Delay();
    private readonly toClient = new Delay();
    private readonly opened: number;
    private stalled = false;
    /** The client's, by which ssh2 tells connections apart. */
    readonly remotePort: number;

    /** @param latency milliseconds of a round trip */
    constructor(
        private readonly socket: Socket,
        private readonly latency: number,
        private readonly traffic: Traffic,
    ) {
        super();
        this.remotePort = socket.remotePort!;
        this.opened = latency > 0 ? performance.now() + 1.5 * latency : 0;
        socket.on("data", (chunk: Buffer) => {
            traffic.received += chunk.length;
            this.toServer.until(this.arrival(), () => this.stalled || this.push(chunk));
        });
        socket.once("end", () => this.toServer.until(this.arrival(), () => this.push(null)));
        socket.once("close", () => this.toServer.until(this.arrival(), () => this.destroy()));
        socket.on("error", () => undefined);
    }

    /** Calls it when the server's side of the TCP handshake is through. */
    whenOpen(accept: () => void): void {
        this.toServer.until(this.opened, () => this.destroyed || accept());
    }

    /** Lets nothing more through, and stays open. */
    stall(): void {
        this.stalled = true;
    }

    override _read(): void {
        // what arrives is pushed
    }

    override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
        this.traffic.sent += chunk.length;
        this.toClient.until(performance.now() + this.latency / 2, () => this.stalled || this.socket.write(chunk));
        done();
    }

    override _final(done: () => void): void {
        this.toClient.until(performance.now() + this.latency / 2, () => this.stalled || this.socket.end());
        done();
    }

    override _destroy(error: Error | null, done: (error: Error | null) => void): void {
        this.toClient.until(performance.now() + this.latency / 2, () => this.socket.destroy());
        done(error);
    }

    private arrival(): number {
        return this.latency > 0 ? Math.max(this.opened, performance.now() + this.latency / 2) : 0;
    }
}

/** What happens later, in the order in which it was asked for. */
class Delay {
    private readonly queue: { due: number; act: () => void }[] = [];
    private timer?: NodeJS.Timeout;

    /** Acts at `due` or, if what was asked for before is later, after that; at once where there is nothing to wait for. */
    until(due: number, act: () => void): void {
        if (this.queue.length === 0 && due <= performance.now()) {
            act();
            return;
        }
        this.queue.push({ due, act });
        this.arm();
    }

    private arm(): void {
        const [next] = this.queue;
        if (next && !this.timer) {
            // A timer of Node's may fire a little early.
            this.timer = setTimeout(() => this.run(), Math.max(0, Math.ceil(next.due - performance.now())));
        }
    }

    private run(): void {
        this.timer = undefined;
        while (this.queue[0] && this.queue[0].due <= performance.now()) {
            this.queue.shift()!.act();
        }
        this.arm();
    }
}
