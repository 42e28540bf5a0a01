import { EngineEvent } from "@pulumi/pulumi/automation";
import { isWork } from "./progress";

/** How long one resource took, and the steps that its command went through. Times are seconds from the beginning. */
export interface Span {
    /** Name of the resource. */
    name: string;
    /** Its type and those of the components that it is in, `$` between them. */
    type: string;
    begun: number;
    /** Nothing while it goes on. */
    ended?: number;
    failed: boolean;
    /** The steps of a command on a node, as its script announces them. */
    steps: { name: string; begun: number }[];
}

/** What a script on a node says when a step begins: `[4/5] kata: apply`. */
const stepBegins = /^\[\d+\/\d+\] (\w+): (apply|reset)$/;

/** Takes out of the engine's events what a picture of the time needs, and nothing that could be a secret. */
export class Timeline {
    readonly spans: Span[] = [];
    private readonly begun: number;

    constructor(private readonly clock: () => number = Date.now) {
        this.begun = clock();
    }

    show({ resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent }: EngineEvent) {
        if (resourcePreEvent && isWork(resourcePreEvent.metadata)) {
            const [type, name] = resourcePreEvent.metadata.urn.split("::").slice(-2) as [string, string];
            this.spans.push({ name, type, begun: this.now(), failed: false, steps: [] });
        } else if (resOutputsEvent) {
            this.end(resOutputsEvent.metadata.urn, false);
        } else if (resOpFailedEvent) {
            this.end(resOpFailedEvent.metadata.urn, true);
        } else if (diagnosticEvent?.ephemeral && diagnosticEvent.urn) {
            for (const line of diagnosticEvent.message.split("\n")) {
                const step = stepBegins.exec(line.trim())?.[1];
                if (step) {
                    this.open(diagnosticEvent.urn)?.steps.push({ name: step, begun: this.now() });
                }
            }
        }
    }

    private end(urn: string, failed: boolean) {
        const span = this.open(urn);
        if (span) {
            Object.assign(span, { ended: this.now(), failed });
        }
    }

    private open(urn: string): Span | undefined {
        return this.spans.find(({ name, type, ended }) => ended === undefined && urn.endsWith(`::${type}::${name}`));
    }

    private now(): number {
        return Math.round((this.clock() - this.begun) / 100) / 10;
    }
}
