import * as pulumi from "@pulumi/pulumi";
import { ClusterSpec } from "../spec";
import { existingMachine } from "./existingMachine";
import { GcpMachine } from "./gcp/gcpMachine";
import { gcpSite } from "./gcp/gcpSite";
import { LocalMachine } from "./localMachine";
import { Machine, Machines, withApiPort } from "./machine";

/** Makes, or takes, the machines of a cluster. */
export function createMachines(spec: ClusterSpec, opts: pulumi.ComponentResourceOptions): Machines {
    const given = spec.kubernetes.controlPlaneEndpoint;
    const controlPlaneEndpoint = given === undefined ? undefined : withApiPort(given);
    const site = spec.gcp && gcpSite(spec, spec.gcp, opts);
    const machines = spec.machines.map((machine): Machine => {
        switch (machine.kind) {
            case "local":
                return new LocalMachine(machine, spec, opts);
            case "existing":
                return existingMachine(machine, controlPlaneEndpoint, opts);
            case "gcp":
                return new GcpMachine(machine, site!, opts);
        }
    });
    return { machines, controlPlaneEndpoint: controlPlaneEndpoint ?? site?.balancer?.controlPlaneEndpoint };
}
