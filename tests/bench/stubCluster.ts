import { KataCluster } from "../../components/kataCluster";
import { exporting, Run, said, TestStack } from "../engine/plugins/stack";
import { StubHosts, StubHostsOptions } from "../support/stubHosts/stubHosts";

/** What a run of the engine took, and what it did to the hosts. */
export interface Measured {
    run: Run;
    seconds: number;
    /** New connections, by host. */
    connections: number[];
    /** Bytes over SSH, both directions. */
    bytes: number;
}

/**
 * Bytes of the state, as compact JSON, with secrets encrypted. Not counted is what Pulumi notes of the lines of the program
 * that made a resource: it grows with the path of the folder that this lies in.
 */
export function stateBytes(stack: TestStack): number {
    const ofThisMachine = new Set(["stackTrace", "sourcePosition"]);
    const state: unknown = JSON.parse(stack.stored());
    return JSON.stringify(state, (key, value: unknown) => (ofThisMachine.has(key) ? undefined : value)).length;
}

/** A stack, and the stub hosts that it makes a cluster of. */
export class StubCluster {
    private constructor(
        readonly stubs: StubHosts,
        readonly stack: TestStack,
    ) {}

    static async start(options: StubHostsOptions): Promise<StubCluster> {
        return new StubCluster(await StubHosts.start(options), await TestStack.create("bench"));
    }

    /** The program of a cluster on the first so many hosts. */
    program(count?: number) {
        return exporting(() => {
            const cluster = new KataCluster("lab", this.stubs.args(count));
            return { isolation: cluster.isolation, nodes: cluster.nodes };
        });
    }

    /** Makes the cluster, with its pod. */
    create(count?: number, parallel?: number): Promise<Measured> {
        return this.measured(() => this.stubs.withPod(this.stack.up(this.program(count), { parallel })));
    }

    /** Changes the cluster, or nothing. */
    up(count?: number, parallel?: number): Promise<Measured> {
        return this.measured(() => this.stack.up(this.program(count), { parallel }));
    }

    preview(count?: number): Promise<Measured> {
        return this.measured(() => this.stack.preview(this.program(count)));
    }

    /** Destroys it, so that it can be made again. */
    async destroy(): Promise<void> {
        await this.measured(() => this.stack.destroy());
        // What kubeadm reset would have taken away.
        await this.stubs.api.renew();
    }

    /** As `stateBytes` counts them. */
    stateBytes(): number {
        return stateBytes(this.stack);
    }

    async close(): Promise<void> {
        this.stack.remove();
        await this.stubs.close();
    }

    /** @throws if the engine reports an error: what failed is not measured. */
    private async measured(act: () => Promise<Run>): Promise<Measured> {
        const { hosts } = this.stubs;
        const before = hosts.map(({ ssh }) => ssh.connections);
        const { bytes } = this.stubs;
        const begun = performance.now();
        const run = await act();
        const seconds = (performance.now() - begun) / 1000;
        if (run.error) {
            throw new Error(`the run failed:\n${said(run, "err")}\n${run.error.message.slice(-2000)}`);
        }
        return {
            run,
            seconds,
            connections: hosts.map(({ ssh }, i) => ssh.connections - before[i]!),
            bytes: this.stubs.bytes - bytes,
        };
    }
}
