import * as pulumi from "@pulumi/pulumi";
import { ClusterSpec } from "../spec";
import { ExistingMachine } from "./existingMachine";
import { LocalMachine } from "./localMachine";
import { Machine } from "./machine";

/** Makes, or takes, the machines of a cluster. */
export function createMachines(spec: ClusterSpec, opts: pulumi.ComponentResourceOptions): Machine[] {
    return spec.machines.map((machine) => {
        switch (machine.kind) {
            case "local":
                return new LocalMachine(machine.name, machine.local, spec.timeouts.machineSeconds, opts);
            case "existing":
                return new ExistingMachine(machine.name, machine.existing, opts);
        }
    });
}
