import { setTimeout as sleep } from "node:timers/promises";
import { Interrupted } from "./cli";

/** How often an update is begun again for machines that went off under it. */
const restarts = 3;
/**
 * How long a machine may be off. A QEMU that ends closes its connections some time before its process is gone, and one
 * whose settings change is started again. And how long it may not answer: a busy emulated one takes half a minute.
 */
const graceSeconds = { connections: 5, machine: 20, silence: 300, between: 15 };

/** A machine of the cluster that was started once. */
export interface StartedMachine {
    name: string;
    /** Whether its process is gone. */
    off: boolean;
    /** Whether its SSH server says something. */
    answers(): Promise<boolean>;
    /** Ends its process. */
    stop(): unknown;
}

/**
 * Runs an update, and runs it again where it failed because a machine of the cluster went off meanwhile: an emulated
 * kernel panics now and then. Each update starts machines that are off, and goes on from what is on their disks. What
 * waits for a machine that is off, as for a pod on it, is ended by the signal. One that hangs is made to go off.
 */
export async function convergeOver(
    machines: () => StartedMachine[],
    log: (line: string) => void,
    update: (signal: AbortSignal) => Promise<unknown>,
    grace = graceSeconds,
): Promise<void> {
    for (let again = 1; ; again++) {
        const watch = new Watch(machines, log, grace);
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

/** Looks which machines that were on are off, and aborts when one stays off; stops one that answers no more. */
class Watch {
    private readonly controller = new AbortController();
    private readonly timers: NodeJS.Timeout[];
    /** When each that is off was on for the last time. */
    private readonly lastOn = new Map<string, number>();
    /** When each has answered last. One that boots has not answered yet. */
    private readonly lastAnswer = new Map<string, number>();

    constructor(
        private readonly machines: () => StartedMachine[],
        private readonly log: (line: string) => void,
        private readonly grace: typeof graceSeconds,
    ) {
        this.on().forEach(({ name }) => this.lastAnswer.set(name, Date.now()));
        this.timers = [
            setInterval(() => this.look(), 1000),
            setInterval(() => void this.listen(), grace.between * 1000),
        ];
    }

    get signal(): AbortSignal {
        return this.controller.signal;
    }

    /** Those that are off when an update has failed. */
    async off(): Promise<string[]> {
        for (let waited = 0; waited < this.grace.connections && this.offNow().length === 0; waited++) {
            await sleep(1000);
        }
        return this.offNow();
    }

    close() {
        this.timers.forEach(clearInterval);
    }

    private on(): StartedMachine[] {
        return this.machines().filter(({ off }) => !off);
    }

    private offNow(): string[] {
        return this.machines()
            .filter(({ off }) => off)
            .map(({ name }) => name);
    }

    private look() {
        const now = Date.now();
        this.on().forEach(({ name }) => this.lastOn.set(name, now));
        if (this.offNow().some((name) => now - (this.lastOn.get(name) ?? now) > this.grace.machine * 1000)) {
            this.controller.abort();
        }
    }

    private async listen() {
        await Promise.all(
            this.on().map(async (machine) => {
                const { name } = machine;
                if (await machine.answers()) {
                    this.lastAnswer.set(name, Date.now());
                } else if (Date.now() - (this.lastAnswer.get(name) ?? Infinity) > this.grace.silence * 1000) {
                    this.log(`${name} has not answered for ${this.grace.silence} s: it hangs, and is stopped`);
                    this.lastAnswer.delete(name);
                    machine.stop();
                }
            }),
        );
    }
}
