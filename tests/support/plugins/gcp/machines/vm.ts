import * as path from "node:path";
import { freePorts } from "../../../freePorts";
import { applyMachine, deleteMachine, makeKeys } from "../../../virtualMachine";
import { Operation } from "../../shared/provider";
import { range } from "../addresses";
import { Cloud, Stored, StoredMachine } from "../cloud";
import { referred } from "../rules/references";
import { VmNodes } from "../settings";
import { metadataKeys } from "./metadata";

/**
 * Boots a real virtual machine on this computer for an instance. Its internal address is the instance's, on a segment
 * that the network's machines share; its host key is made here, as a cloud's machine makes its own at the first boot,
 * and put in by cloud-init, as are user and key from the metadata.
 */
export async function startVm(op: Operation, cloud: Cloud, instance: Stored, vms: VmNodes): Promise<StoredMachine> {
    const [login] = metadataKeys(instance);
    const subnetwork = referred(cloud, instance, "networkInterfaces[0].subnetwork");
    if (!login || !subnetwork) {
        const missing = login ? "a subnetwork in networkInterfaces[0]" : "ssh-keys in its metadata";
        throw new Error(`the stand-in makes a virtual machine of ${instance.key} only with ${missing}`);
    }
    const [first] = instance.outputs.networkInterfaces as { networkIp: string }[];
    const [sshPort, apiPort] = await freePorts(2);
    const { host } = makeKeys("host");
    const settings = {
        ...names(cloud, instance),
        VM_USER: login.user,
        VM_CPUS: vms.cpus,
        VM_MEMORY_MIB: vms.memoryMib,
        VM_DISK_GIB: vms.diskGib,
        VM_IMAGE: vms.image,
        VM_SSH_PORT: sshPort,
        VM_API_PORT: apiPort,
        VM_SEGMENT: `gcp-${instance.project}-${referred(cloud, subnetwork, "network")!.name}`,
        VM_SEGMENT_ADDRESS: `${first!.networkIp}/${range(subnetwork.inputs.ipCidrRange as string)![1]}`,
        VM_HOSTNAME: instance.name,
        VM_ACCELERATOR: "auto",
        VM_TIMEOUT_SECONDS: vms.timeoutSeconds,
        VM_BOOT: 1,
    };
    await applyMachine(settings, { userPublicKey: login.publicKey, host }, (line) => op.status("info", line));
    return { hostKey: host.publicKey, sshPort, apiPort };
}

/** Removes an instance's virtual machine, in whatever state it is. */
export async function deleteVm(op: Operation, cloud: Cloud, instance: Stored): Promise<void> {
    await deleteMachine(names(cloud, instance), (line) => op.status("info", line));
}

function names(cloud: Cloud, { project, name }: Stored) {
    return { VM_NAME: `gcp-${project}-${name}`, VM_DIRECTORY: path.join(cloud.folder, "machines", project, name) };
}
