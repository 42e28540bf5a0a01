import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as command from "@pulumi/command";
import * as compute from "@pulumi/gcp/compute";
import * as pulumi from "@pulumi/pulumi";

const script = fs.readFileSync(path.join(__dirname, "hostKey.sh"), "utf8");

/** What a machine has told about its host key so far. */
export interface HostKeyAttribute {
    /** Public key in OpenSSH form, or nothing. */
    key: string;
    /** Why there is none. */
    problem: string;
}

/**
 * The host key of a virtual machine, which makes it when it boots for the first time, and tells it by its guest
 * attributes: Google's agent does so on Debian, cloud-init on Ubuntu. They are read through Google Cloud's API, so that
 * nobody on the way can give another one. The key stays in state, for any process on the machine may write the
 * attributes later. A replaced machine has its key read anew.
 */
export function hostKeyOf(
    name: string,
    instance: compute.Instance,
    seconds: number,
    opts: pulumi.CustomResourceOptions,
) {
    const attribute = pulumi
        .all([instance.name, instance.zone, instance.project, instance.creationTimestamp])
        .apply(([instanceName, zone, project, created]): Promise<HostKeyAttribute> => {
            // A preview runs no command, so that it need not know: it asks nothing of Google Cloud.
            if (pulumi.runtime.isDryRun()) {
                return Promise.resolve(pulumi.unknown as unknown as HostKeyAttribute);
            }
            const query = { name: instanceName, zone, project, queryPath: "hostkeys/" };
            // Counted from there, a machine that has long been and is stopped holds nobody up.
            const made = Date.parse(created) || Date.now();
            let asked = 0;
            const ask = () => {
                if (asked++ === 1) {
                    void pulumi.log.info(`${name}: waiting until it has booted`, opts.parent, undefined, true);
                }
                return compute.getInstanceGuestAttributes(query, { parent: opts.parent });
            };
            return untilTold(ask, made + seconds * 1000);
        });
    return new command.local.Command(
        `${name}-host-key`,
        {
            // As its text: its path from where the provider runs is not known, and another one on each computer.
            create: 'bash -c "$SCRIPT"',
            environment: { SCRIPT: script, MACHINE: name, HOST_KEY: attribute.key, PROBLEM: attribute.problem },
            logging: "stderr",
            addPreviousOutputInEnv: false,
        },
        {
            ...opts,
            // What the attribute says later is not believed.
            ignoreChanges: ["create", "environment"],
            deletedWith: instance,
            replaceWith: [instance],
        },
    );
}

/** After these nobody answers any more: who asks may not, or the engine has ended, as it does when something else failed. */
const final = /\b403\b|Resource monitor is terminating|\b14 UNAVAILABLE|\b1 CANCELLED/;

/**
 * Asks until there is a key, or the deadline is past, but once at least. Who may not ask, does so only once. It never
 * throws.
 *
 * @internal
 */
export async function untilTold(
    ask: () => Promise<{ queryValues: { key: string; value: string }[] }>,
    deadline: number,
    pauseMilliseconds = 5_000,
): Promise<HostKeyAttribute> {
    for (;;) {
        const told = await once(ask);
        if (told.key || final.test(told.problem) || Date.now() + pauseMilliseconds > deadline) {
            return told;
        }
        await delay(pauseMilliseconds);
    }
}

async function once(ask: Parameters<typeof untilTold>[0]): Promise<HostKeyAttribute> {
    const type = "ssh-ed25519";
    try {
        const { queryValues } = await ask();
        const found = queryValues.find(({ key }) => key === type);
        return found
            ? { key: `${type} ${found.value.trim()}`, problem: "" }
            : { key: "", problem: `it has told no ${type} key` };
    } catch (error) {
        return { key: "", problem: error instanceof Error ? error.message.trim() : String(error) };
    }
}
