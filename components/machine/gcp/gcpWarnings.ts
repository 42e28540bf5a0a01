import { MachineSpec } from "../machineSpec";
import { machineFamilies, parseMachineType, suitableFamilies } from "./machineFamilies";

/** What a new project may have in a region before more is asked for: https://cloud.google.com/compute/resource-usage */
const quota = { machines: 8, vcpus: 24, ssdGib: 500 };
const ssd = ["pd-balanced", "pd-ssd"];

/** What is allowed on Google Cloud but not wise, or perhaps more than the project's quota. */
export function gcpWarnings(machines: MachineSpec[]): string[] {
    const instances = machines.flatMap((machine) =>
        machine.kind === "gcp" ? [{ ...machine.gcp, role: machine.role }] : [],
    );
    const types = [...new Set(instances.map(({ machineType }) => machineType))];
    const families = [...new Set(types.flatMap((type) => parseMachineType(type)?.family ?? []))];
    const unknown = families
        .filter((name) => machineFamilies[name]?.nested === undefined)
        .map(
            (name) =>
                `machines.gcp: whether family ${name} has nested virtualization is not known` +
                `${machineFamilies[name]?.why ? ` (${machineFamilies[name].why})` : ""}; each node tries it before ` +
                `anything is installed. It is known of ${suitableFamilies.join(", ")}.`,
        );
    const workers = instances.filter(({ role }) => role === "worker");
    const spot = workers.filter((worker) => worker.spot);
    const alone =
        spot.length > 0 && spot.length === workers.length
            ? [
                  `machines.gcp.workerPools: every worker is a Spot VM (${spot.length}). When Google Cloud takes them ` +
                      "away, no pod runs until they are back. Have a pool without spot too.",
              ]
            : [];
    return [...unknown, ...alone, ...quotaWarnings(instances)];
}

function quotaWarnings(instances: { machineType: string; diskType: string; diskGib: number }[]): string[] {
    const vcpus = sum(instances.map(({ machineType }) => parseMachineType(machineType)?.vcpus ?? 0));
    const ssdGib = sum(instances.map(({ diskType, diskGib }) => (ssd.includes(diskType) ? diskGib : 0)));
    const over = [
        instances.length > quota.machines ? `${instances.length} machines` : [],
        vcpus > quota.vcpus ? `${vcpus} vCPUs (quota CPUS, and that of the family)` : [],
        ssdGib > quota.ssdGib ? `${ssdGib} GiB of SSD disks (quota SSD_TOTAL_GB)` : [],
    ].flat();
    return over.length === 0
        ? []
        : [
              `machines.gcp: ${over.join(", ")} in one region may be more than a new project's quota. Look at ` +
                  "gcloud compute regions describe REGION, and ask for more before the up.",
          ];
}

function sum(numbers: number[]): number {
    return numbers.reduce((total, one) => total + (Number.isFinite(one) ? one : 0), 0);
}
