import { Operation } from "../shared/provider";

/** `customTimeouts` and cancellation of one operation, as the real plugin's context has them. */
export class Deadline {
    private readonly timeout?: AbortSignal;
    /** Aborted when the time is over or the deployment is cancelled. */
    readonly signal: AbortSignal;

    constructor(op: Operation) {
        this.timeout = op.timeout > 0 ? AbortSignal.timeout(op.timeout * 1000) : undefined;
        this.signal = this.timeout ? AbortSignal.any([op.cancelled, this.timeout]) : op.cancelled;
    }

    /** The error to end with, once the signal is aborted. */
    error(): Error {
        return new Error(this.timeout?.aborted ? "context deadline exceeded" : "context canceled");
    }

    /** Waits, unless the time is over before. */
    async sleep(milliseconds: number): Promise<void> {
        if (this.signal.aborted) {
            throw this.error();
        }
        await new Promise<void>((resolve, reject) => {
            const abort = () => {
                clearTimeout(timer);
                reject(this.error());
            };
            const timer = setTimeout(() => {
                this.signal.removeEventListener("abort", abort);
                resolve();
            }, milliseconds);
            this.signal.addEventListener("abort", abort, { once: true });
        });
    }
}
