/** What the machines of a family have, where they differ. */
export interface MachineFamily {
    /** Takes Hyperdisk, and no Persistent Disk. */
    hyperdiskOnly?: boolean;
    /** Has no other network interface than gVNIC. */
    gvnicOnly?: boolean;
}

/** What the machines of each family have. */
export const machineFamilies: Record<string, MachineFamily> = {
    n1: {},
    n2: {},
    n4: { hyperdiskOnly: true, gvnicOnly: true },
    c2: {},
    c3: { gvnicOnly: true },
    c4: { hyperdiskOnly: true, gvnicOnly: true },
    z3: { gvnicOnly: true },
    a2: {},
    a3: { gvnicOnly: true },
};

/** The family of a machine type: `n2` of `n2-standard-4`. */
export function familyName(machineType: string): string {
    return machineType.split("-")[0]!;
}
