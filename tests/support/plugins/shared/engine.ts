import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { Severity } from "./provider";

const severities: Record<Severity, LogSeverity> = {
    debug: LogSeverity.DEBUG,
    info: LogSeverity.INFO,
    warning: LogSeverity.WARNING,
    error: LogSeverity.ERROR,
};

/** The engine's log. Messages arrive in the order in which they were sent. */
export class EngineLog {
    private client?: EngineClient;
    private tail: Promise<void> = Promise.resolve();

    constructor(address: string | undefined) {
        this.attach(address);
    }

    /** Talks to another engine from now on. */
    attach(address: string | undefined): void {
        this.client = address
            ? new EngineClient(address, grpc.credentials.createInsecure(), {
                  "grpc.max_receive_message_length": -1,
                  "grpc.max_send_message_length": -1,
              })
            : undefined;
    }

    send(severity: Severity, message: string, urn = "", ephemeral = false): void {
        const client = this.client;
        if (!client) {
            process.stderr.write(`${message}\n`);
            return;
        }
        const request = new LogRequest();
        request.setSeverity(severities[severity]);
        request.setMessage(message);
        request.setUrn(urn);
        request.setEphemeral(ephemeral);
        this.tail = this.tail.then(
            () =>
                new Promise<void>((resolve) => {
                    client.log(request, (error: grpc.ServiceError | null) => {
                        if (error) {
                            process.stderr.write(`${message}\n`);
                        }
                        resolve();
                    });
                }),
        );
    }

    /** Resolves when all messages so far have arrived. */
    flush(): Promise<void> {
        return this.tail;
    }
}
