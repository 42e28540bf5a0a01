import { utils } from "ssh2";
import { PropertyMap } from "../../shared/values";
import { Operation } from "../../shared/provider";
import { Cloud, Stored, StoredMachine } from "../cloud";
import { addressesOf } from "../rules/references";
import { startRelay } from "./startRelay";
import { deleteVm, startVm } from "./vm";

/** Makes what stands for a resource that others connect to: an instance, or the front of a load balancer. */
export async function startMachine(op: Operation, cloud: Cloud, resource: Stored): Promise<void> {
    const { nodes } = cloud.settings();
    if (resource.collection === "forwardingRules" && nodes) {
        await startRelay(cloud, resource);
    }
    if (resource.collection !== "instances") {
        return;
    }
    if (!nodes) {
        cloud.replace({ ...resource, machine: { hostKey: utils.generateKeyPairSync("ed25519").public.trim() } });
        return;
    }
    if (!isNode(resource)) {
        cloud.replace({ ...resource, machine: await startRelay(cloud, resource) });
        return;
    }
    const machine: StoredMachine =
        nodes.kind === "vms" ? await startVm(op, cloud, resource, nodes) : endpoint(nodes.endpoints, resource);
    const there = { ...resource, machine };
    cloud.replace(there);
    if (addressesOf(there).some((address) => address.startsWith("127."))) {
        await startRelay(cloud, there);
    }
}

/** Removes what startMachine made. Relays end by themselves when their resource is gone. */
export async function deleteMachine(op: Operation, cloud: Cloud, resource: Stored): Promise<void> {
    if (resource.collection === "instances" && isNode(resource) && cloud.settings().nodes?.kind === "vms") {
        await deleteVm(op, cloud, resource);
    }
}

/** Whether it is to run virtual machines of its own. */
function isNode({ inputs }: Stored): boolean {
    return (inputs.advancedMachineFeatures as PropertyMap | undefined)?.enableNestedVirtualization === true;
}

function endpoint(endpoints: Record<string, StoredMachine>, { logicalName, key }: Stored): StoredMachine {
    const found = endpoints[logicalName];
    if (!found) {
        throw new Error(
            `settings.json names no endpoint for ${key}, in the program "${logicalName}": it has ${Object.keys(endpoints).join(", ")}`,
        );
    }
    return found;
}
