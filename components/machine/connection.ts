import * as crypto from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { types } from "@pulumi/command";

/** An SSH server and how to log in to it. */
export interface SshEndpoint {
    address: pulumi.Input<string>;
    port?: number;
    user?: string;
    privateKey?: pulumi.Input<string>;
    privateKeyPassword?: pulumi.Input<string>;
    password?: pulumi.Input<string>;
    hostKey: pulumi.Input<string>;
}

/**
 * The only place that makes a connection. It takes fields one by one: a field that the provider does not know would
 * print the private key (pulumi/pulumi#19465).
 */
export function connectionTo(endpoint: SshEndpoint, bastion?: SshEndpoint): types.input.remote.ConnectionArgs {
    return { ...login(endpoint), proxy: bastion && login(bastion) };
}

/** The connection to that one of several machines which turns out later. It may be known where the others are not. */
export function connectionToOneOf(
    connections: pulumi.Input<types.input.remote.ConnectionArgs>[],
    index: pulumi.Input<number>,
): pulumi.Output<types.input.remote.ConnectionArgs> {
    return pulumi.output(index).apply((i) => pulumi.output(connections[i]!));
}

/** A short digest of who answers at a connection. */
export function identityOf(connection: pulumi.Input<types.input.remote.ConnectionArgs>): pulumi.Output<string> {
    return pulumi.unsecret(pulumi.output(connection)).apply(({ host, port, hostKey }) =>
        crypto
            .createHash("sha256")
            .update(JSON.stringify([host, port, hostKey]))
            .digest("hex")
            .slice(0, 8),
    );
}

function login(endpoint: SshEndpoint) {
    return {
        host: endpoint.address,
        port: endpoint.port ?? 22,
        user: endpoint.user ?? "root",
        privateKey: secret(endpoint.privateKey),
        privateKeyPassword: secret(endpoint.privateKeyPassword),
        password: secret(endpoint.password),
        hostKey: endpoint.hostKey,
        // The step's own timeout bounds the dialling: a machine may be booting.
        dialErrorLimit: -1,
        perDialTimeout: 30,
    };
}

function secret(value: pulumi.Input<string> | undefined) {
    return value === undefined ? undefined : pulumi.secret(value);
}
