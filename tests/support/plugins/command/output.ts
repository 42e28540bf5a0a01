import { StringDecoder } from "node:string_decoder";
import { quote, trimNewline } from "../shared/go";
import { Operation } from "../shared/provider";

/** What a finished command printed, without the last newline. */
export interface CommandOutput {
    stdout: string;
    stderr: string;
}

/** Collects what a command prints and passes on whole lines to the engine while it runs. */
export class OutputCollector {
    private readonly stdout: Buffer[] = [];
    private readonly stderr: Buffer[] = [];
    private readonly both: Buffer[] = [];
    private readonly decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };
    private line = "";

    constructor(
        private readonly op: Operation,
        private readonly logging: string | undefined,
    ) {}

    write(stream: "stdout" | "stderr", chunk: Buffer): void {
        this[stream].push(chunk);
        this.both.push(chunk);
        if (this.logging === undefined || this.logging === "stdoutAndStderr" || this.logging === stream) {
            this.line += this.decoders[stream].write(chunk);
            const lines = this.line.split("\n");
            this.line = lines.pop()!;
            lines.forEach((line) => this.op.status("info", line.replace(/\r$/, "")));
        }
    }

    /** Passes on a last line without newline. */
    end(): CommandOutput {
        if (this.line !== "") {
            this.op.status("info", this.line);
            this.line = "";
        }
        return { stdout: text(this.stdout), stderr: text(this.stderr) };
    }

    /** The error of a failed command: what failed, the command, everything it printed. */
    failure(cause: string, command: string): Error {
        return new Error(`${cause}: running ${quote(command)}:\n${Buffer.concat(this.both).toString("utf8")}`);
    }
}

function text(chunks: Buffer[]): string {
    return trimNewline(Buffer.concat(chunks).toString("utf8"));
}

/** The variables that hand the previous run's output to the next. */
export function previousOutput(
    inputs: { addPreviousOutputInEnv?: boolean },
    previous: CommandOutput,
): [string, string][] {
    if (inputs.addPreviousOutputInEnv === false) {
        return [];
    }
    const variables: [string, string][] = [
        ["PULUMI_COMMAND_STDOUT", previous.stdout],
        ["PULUMI_COMMAND_STDERR", previous.stderr],
    ];
    return variables.filter(([, value]) => value !== "");
}
