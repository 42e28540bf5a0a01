import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { ExistingMachineArgs } from "../args";
import { quoted } from "../shell";
import { connectionTo } from "./connection";
import { Machine } from "./machine";

/** A machine that exists already and takes SSH. */
export class ExistingMachine extends pulumi.ComponentResource implements Machine {
    public readonly connection: Machine["connection"];
    public readonly apiAddress: pulumi.Output<string>;
    public readonly dependsOn: pulumi.Resource[] = [];

    constructor(
        public readonly name: string,
        args: ExistingMachineArgs,
        opts: pulumi.ComponentResourceOptions,
    ) {
        super("kata-cluster:machine:ExistingMachine", name, {}, opts);
        const hostKey = args.hostKeyPolicy === "trust-on-first-use" ? this.firstSeenHostKey(args) : args.hostKey!;
        this.connection = connectionTo({ ...args, hostKey }, args.bastion);
        this.apiAddress = pulumi
            .output(args.apiAddress ?? args.address)
            .apply((address) => (/:\d+$/.test(address) ? address : `${address}:6443`));
        this.registerOutputs({ apiAddress: this.apiAddress });
    }

    /** Asks for the key once. It is kept in state, and every connection from then on is held to it. */
    private firstSeenHostKey(args: ExistingMachineArgs): pulumi.Output<string> {
        void pulumi.log.warn(
            `${this.name}: hostKeyPolicy "trust-on-first-use" trusts whatever answers at the first up; ` +
                "set hostKey once you know it",
            this,
        );
        const script = path.relative(process.cwd(), path.join(__dirname, "hostKey.sh"));
        const scan = new command.local.Command(
            `${this.name}-host-key`,
            {
                create: pulumi.interpolate`bash ${script} ${pulumi.output(args.address).apply(quoted)} ${args.port ?? 22}`,
                // An edit of this text must not quietly trust another key.
                update: "true",
                logging: "stderr",
                addPreviousOutputInEnv: false,
            },
            { parent: this, ignoreChanges: ["create"] },
        );
        this.dependsOn.push(scan);
        return scan.stdout;
    }
}
