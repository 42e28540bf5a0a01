import { setTimeout } from "node:timers/promises";
import { Interrupted } from "./cli";

/** How often an update is begun again for machines that went off under it. */
const restarts = 3;
/**
 * How long a machine may be off. A QEMU that ends closes its connections some time before its process is gone, and one
 * whose settings change is started again.
 */
const graceSeconds = { connections: 5, machine: 20 };

/** The machines of a cluster, by their names. */
export type Machines = () => { name: string; off: boolean }[];

/**
 * Runs an update, and runs it again where it failed because a machine of the cluster went off meanwhile: an emulated
 * kernel panics now and then. Each update starts machines that are off, and goes on from what is on their disks. What
 * waits for a machine that is off, as for a pod on it, is ended by the signal.
 */
export async function convergeOver(
    machines: Machines,
    log: (line: string) => void,
    update: (signal: AbortSignal) => Promise<unknown>,
    grace = graceSeconds,
): Promise<void> {
    for (let again = 1; ; again++) {
        const watch = new Watch(machines, grace);
        try {
            await update(watch.signal);
            return;
        } catch (error) {
            const off = await watch.off();
            if (off.length === 0 || again > restarts || error instanceof Interrupted) {
                throw error;
            }
            log(`${off.join(", ")} went off; starting again and going on (${again} of ${restarts}) …`);
        } finally {
            watch.close();
        }
    }
}

/** Looks each second which machines that were on are off, and aborts when one stays off. */
class Watch {
    private readonly controller = new AbortController();
    private readonly timer = setInterval(() => this.look(), 1000);
    /** When each that is off was on for the last time. */
    private readonly lastOn = new Map<string, number>();

    constructor(
        private readonly machines: Machines,
        private readonly grace: typeof graceSeconds,
    ) {}

    get signal(): AbortSignal {
        return this.controller.signal;
    }

    /** Those that are off when an update has failed. */
    async off(): Promise<string[]> {
        for (let waited = 0; waited < this.grace.connections && this.offNow().length === 0; waited++) {
            await setTimeout(1000);
        }
        return this.offNow();
    }

    close() {
        clearInterval(this.timer);
    }

    private offNow(): string[] {
        return this.machines()
            .filter(({ off }) => off)
            .map(({ name }) => name);
    }

    private look() {
        const now = Date.now();
        for (const { name, off } of this.machines()) {
            if (!off) {
                this.lastOn.set(name, now);
            } else if (now - (this.lastOn.get(name) ?? now) > this.grace.machine * 1000) {
                this.controller.abort();
            }
        }
    }
}
