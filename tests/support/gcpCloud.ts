import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Cloud, cloudVariable, Stored } from "./plugins/gcp/cloud";
import { CloudSettings } from "./plugins/gcp/settings";

/** The cloud that the stand-in for pulumi-resource-gcp makes up, as a test sets it up and looks at it. */
export class GcpCloud {
    readonly project = "kata-test";
    private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-gcp-"));
    private readonly cloud = new Cloud(this.folder);

    /** What Pulumi's environment must hold. */
    get environment(): Record<string, string> {
        return { [cloudVariable]: this.folder, GOOGLE_PROJECT: this.project };
    }

    /** Settings from now on. */
    set(settings: CloudSettings) {
        fs.writeFileSync(path.join(this.folder, "settings.json"), JSON.stringify(settings), { mode: 0o600 });
    }

    /** What there is, of one collection or of all: `instances`. */
    list(collection?: string): Stored[] {
        return this.cloud.list(this.project, collection);
    }

    /** The resource of that name in the Pulumi program. */
    get(logicalName: string): Stored | undefined {
        return this.list().find((one) => one.logicalName === logicalName);
    }

    /** The connections that a bastion was asked to forward, `ADDRESS:PORT open` or `refused`, in order. */
    forwarded(bastion: Stored): string[] {
        const file = `${this.cloud.file(bastion.key)}.connections`;
        return fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim().split("\n") : [];
    }

    /** Names of the virtual machines on this computer that stand for instances. */
    virtualMachines(): string[] {
        const machines = path.join(this.folder, "machines", this.project);
        return fs.existsSync(machines) ? fs.readdirSync(machines) : [];
    }

    /** Forgets all of it. What listens for it ends. */
    remove() {
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}
