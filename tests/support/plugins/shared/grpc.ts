import * as grpc from "@grpc/grpc-js";

/** Serves the engine on a port of the loopback interface, and prints it on stdout, as every plugin does. */
export async function listen(
    service: grpc.ServiceDefinition<grpc.UntypedServiceImplementation>,
    handlers: object,
): Promise<void> {
    const server = new grpc.Server({
        "grpc.max_receive_message_length": -1,
        "grpc.max_send_message_length": -1,
    });
    server.addService(service, handlers as grpc.UntypedServiceImplementation);
    const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
            error ? reject(error) : resolve(bound),
        );
    });
    process.stdout.write(`${port}\n`);
}

/** A call with one answer. */
export function unary<Request, Response>(run: (request: Request) => Promise<Response>) {
    return (call: { request: Request }, callback: (error: object | null, response?: Response) => void): void => {
        run(call.request).then(
            (response) => callback(null, response),
            (error: Error) => callback({ code: grpc.status.UNKNOWN, details: error.message, message: error.message }),
        );
    };
}
