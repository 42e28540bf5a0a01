import { connect } from "node:tls";
import { TcpRelay } from "./tcpRelay";

/** In milliseconds: between two probes, and for the answer of an API server that is emulated. */
const pause = 3000;
const patience = 20_000;
/** So many probes in a row must fail. */
const failures = 2;

/**
 * Stands for the load balancer that a user puts before several control planes: TCP, in turn to those API servers that
 * answer. It does not look into what it passes on.
 */
export class ApiBalancer {
    /** Failed probes in a row, of those that serve. */
    private readonly serving = new Map<number, number>();
    private relay!: TcpRelay;
    private turn = 0;
    private open = true;

    private constructor(private readonly backends: number[]) {}

    /** @param backends ports on 127.0.0.1 that lead to an API server, whether one listens yet or not */
    static async start(backends: number[]): Promise<ApiBalancer> {
        const balancer = new ApiBalancer(backends);
        balancer.relay = await TcpRelay.start(() => balancer.next());
        backends.forEach((port) => void balancer.watch(port));
        return balancer;
    }

    get port(): number {
        return this.relay.port;
    }

    async close(): Promise<void> {
        this.open = false;
        await this.relay.close();
    }

    private next(): number | undefined {
        const serving = this.backends.filter((port) => this.serving.has(port));
        return serving[this.turn++ % serving.length];
    }

    private async watch(port: number): Promise<void> {
        while (this.open) {
            const failed = (await answers(port)) ? 0 : (this.serving.get(port) ?? failures) + 1;
            if (failed < failures) {
                this.serving.set(port, failed);
            } else {
                this.serving.delete(port);
            }
            await new Promise((resolve) => setTimeout(resolve, pause).unref());
        }
    }
}

/**
 * A check on the port, as kubeadm's guide to high availability has it, by TLS: QEMU takes connections for a port that
 * nothing in the machine listens on. Not /readyz, which an emulated server with a slow etcd fails while it serves.
 */
function answers(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, timeout: patience });
        const end = (up: boolean) => {
            socket.destroy();
            resolve(up);
        };
        socket
            .once("secureConnect", () => end(true))
            .once("timeout", () => end(false))
            .on("error", () => end(false))
            .once("close", () => end(false));
    });
}
