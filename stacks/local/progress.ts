import { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation";

/** Not `debug`, which the event log holds too: it spells out every property, secrets in clear. */
const shown: string[] = ["info", "info#err", "warning", "error"];

/** Of what commands print while they run: the words of our own scripts, not those of apt or kubeadm. */
const ours = /^(\[\d+\/\d+\] \w+: |kata-cluster: )/;

type Line = (text: string) => void;

/** Turns the engine's events into lines that a person follows: what begins, what it says, what is done. */
export class Progress {
    private readonly begun = Date.now();
    private readonly started = new Map<string, number>();

    constructor(private readonly print: Line) {}

    show(event: EngineEvent) {
        const { resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent } = event;
        if (resourcePreEvent && isWork(resourcePreEvent.metadata)) {
            this.started.set(resourcePreEvent.metadata.urn, Date.now());
            this.line(`${verb(resourcePreEvent.metadata.op)} ${nameOf(resourcePreEvent.metadata.urn)}`);
        } else if (resOutputsEvent && isWork(resOutputsEvent.metadata)) {
            const { urn } = resOutputsEvent.metadata;
            this.line(`done     ${nameOf(urn)} (${seconds(Date.now() - (this.started.get(urn) ?? Date.now()))})`);
        } else if (resOpFailedEvent) {
            this.line(`FAILED   ${nameOf(resOpFailedEvent.metadata.urn)}`);
        } else if (diagnosticEvent && shown.includes(diagnosticEvent.severity)) {
            const { ephemeral, urn } = diagnosticEvent;
            const from = urn && !ephemeral ? `${nameOf(urn)}: ` : "";
            const lines = plain(diagnosticEvent.message).trim().split("\n");
            lines
                .filter((one) => (ephemeral ? ours.test(one) : one !== ""))
                .forEach((one) => this.line(`         ${from}${one}`));
        }
    }

    line(text: string) {
        const elapsed = Math.round((Date.now() - this.begun) / 1000);
        const clock = `${Math.floor(elapsed / 60)}:${String(elapsed % 60).padStart(2, "0")}`;
        this.print(`[${clock.padStart(6)}] ${text}`);
    }
}

/** A component is only the sum of its parts, and a provider is started, not made. */
export function isWork({ op, type, new: now, old }: StepEventMetadata): boolean {
    const idle = op === "same" || op === "read" || op.startsWith("read-") || op === "refresh";
    return !idle && (now ?? old)?.custom === true && !type.startsWith("pulumi:providers:");
}

function verb(op: string): string {
    return op.replaceAll("-", " ").padEnd(8);
}

/** A resource's type without its package's version, and its name: `Command lab-control-plane-0-install`. */
function nameOf(urn: string): string {
    const [type, name] = urn.split("::").slice(-2) as [string, string];
    return `${type.split("$").at(-1)!.split(":").at(-1)} ${name}`;
}

/** Without the engine's colour directives. */
function plain(message: string): string {
    return message.replaceAll(/<\{%.*?%\}>/g, "");
}

function seconds(ms: number): string {
    return `${Math.round(ms / 1000)} s`;
}
