import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ExistingMachineArgs, KataClusterArgs } from "../../../components/args";
import { ApiServer } from "../apiServer";
import { FarAway } from "../farAway";
import { needProgram } from "../programs";
import { SshServer } from "../sshServer";
import { serveReleases, StubReleases } from "./releases";

const podName = "nginx-untrusted";

/** Settings of stub hosts. */
export interface StubHostsOptions {
    /** How many. The first ones are control planes. */
    count: number;
    /** How many of them are control planes. @default 1 */
    controlPlanes?: number;
    /**
     * Seconds of mere waiting on each host: for a service that starts while it installs, for `kubeadm init`, for `kubeadm
     * join`. Whole hosts are on this machine, so that without it their work is all CPU time, and theirs alone.
     * @default none
     */
    waits?: { install?: number; init?: number; join?: number };
}

/** A host: its SSH server, and its root directory, which is `ssh.root`. */
export interface StubHost {
    name: string;
    ssh: SshServer;
}

/**
 * Machines for a whole cluster, in this process: an SSH server for each, on which whatever bundle arrives is run by bash,
 * against a root directory of its own and with stand-ins for the tools that would change a real machine. Downloads are
 * real ones, of small releases; the API is a real one, without kubelets.
 */
export class StubHosts {
    private constructor(
        readonly hosts: StubHost[],
        readonly api: ApiServer,
        /** What the hosts know of each other: a file for each Node, and for each request for a certificate. */
        readonly cluster: string,
        private readonly apiAsSeen: FarAway,
        private readonly releases: StubReleases,
        private readonly folder: string,
    ) {}

    static async start({ count, controlPlanes = 1, waits = {} }: StubHostsOptions): Promise<StubHosts> {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-hosts-"));
        execFileSync("bash", [path.join(__dirname, "make.sh"), folder], { stdio: ["ignore", "ignore", "inherit"] });
        const cluster = path.join(folder, "cluster");
        fs.mkdirSync(path.join(cluster, "nodes"), { recursive: true });
        const api = await ApiServer.start();
        const adminConf = path.join(folder, "admin.conf");
        fs.writeFileSync(adminConf, api.kubeconfig, { mode: 0o600 });
        const seconds = Object.entries(waits).map(([what, wait]) => [`${what.toUpperCase()}_SECONDS`, String(wait)]);
        const environment = {
            ...{ CLUSTER: cluster, WORLD: path.join(folder, "world"), ADMIN_CONF: adminConf },
            ...{ KUBECTL: needProgram("kubectl"), RETRY_DELAY: "1" },
            ...(Object.fromEntries(seconds) as Record<string, string>),
        };
        const names = Array.from({ length: count }, (_, i) =>
            i < controlPlanes ? `lab-control-plane-${i}` : `lab-worker-${i - controlPlanes}`,
        );
        const hosts = await Promise.all(names.map((name) => startHost(name, folder, environment)));
        const apiAsSeen = await FarAway.start(Number(new URL(api.url).port));
        return new StubHosts(hosts, api, cluster, apiAsSeen, await serveReleases(folder), folder);
    }

    /** The arguments of a cluster named `lab` on the first so many hosts, of which so many are control planes. */
    args(count = this.hosts.length, controlPlanes = 1): KataClusterArgs {
        const machines = this.hosts.slice(0, count).map(({ ssh }) => this.machine(ssh));
        const existing = { controlPlanes: machines.slice(0, controlPlanes), workers: machines.slice(controlPlanes) };
        const { releases, mirror } = this.releases;
        return { machines: { existing }, releases, mirror };
    }

    /** Does what scheduler and kubelet do with the untrusted pod, as soon as it is there, while something runs. */
    async withPod<T>(running: Promise<T>): Promise<T> {
        let ended = false;
        const end = () => (ended = true);
        running.then(end, end);
        while (
            !ended &&
            (await this.api.request({ path: `/api/v1/namespaces/default/pods/${podName}` })).code !== 200
        ) {
            await sleep(250);
        }
        if (!ended) {
            await this.api.podReady(podName);
            await this.api.bindPod(podName, this.hosts[0]!.name);
        }
        return running;
    }

    /** TCP connections to all hosts so far. */
    get connections(): number {
        return this.hosts.reduce((sum, { ssh }) => sum + ssh.connections, 0);
    }

    /** Bytes over all connections so far, in both directions. */
    get bytes(): number {
        return this.hosts.reduce((sum, { ssh: { traffic } }) => sum + traffic.received + traffic.sent, 0);
    }

    /** Seconds of this machine's CPU that the hosts' scripts have taken so far. */
    get cpuSeconds(): number {
        const files = this.hosts.map(({ ssh }) => path.join(ssh.scratch, "calls.times"));
        const text = files.map((file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "")).join("\n");
        // bash's `times`: minutes and seconds, four of them.
        return [...text.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0);
    }

    /** Sets how far away all hosts are, in milliseconds of a round trip, and the API too, for connections from now on. */
    farAway(ssh: number, api = ssh): void {
        this.hosts.forEach((host) => (host.ssh.latency = ssh));
        this.apiAsSeen.latency = api;
    }

    async close(): Promise<void> {
        await this.releases.server.close();
        await Promise.all(this.hosts.map(({ ssh }) => ssh.close()));
        this.apiAsSeen.close();
        await this.api.close();
        fs.rmSync(this.folder, { recursive: true, force: true });
    }

    private machine({ host: address, port, privateKey, hostKey }: SshServer): ExistingMachineArgs {
        return { address, port, privateKey, hostKey, apiAddress: `127.0.0.1:${this.apiAsSeen.port}` };
    }
}

/** A fresh host, whose root directory is a copy of the common one. */
async function startHost(name: string, common: string, environment: Record<string, string>): Promise<StubHost> {
    const own: Record<string, string> = {};
    const ssh = await SshServer.start({
        programs: [path.join(common, "commands")],
        environment: own,
    });
    const [services, temporary] = ["services", "tmp"].map((folder) => path.join(ssh.scratch, folder)) as [
        string,
        string,
    ];
    [services, temporary].forEach((folder) => fs.mkdirSync(folder));
    const calls = path.join(ssh.scratch, "calls");
    Object.assign(own, environment, { ROOT: ssh.root, SERVICES: services, CALLS: calls, TMPDIR: temporary });
    fs.cpSync(path.join(common, "root"), ssh.root, { recursive: true, verbatimSymlinks: true });
    ssh.stub("sudo", sudo);
    return { name, ssh };
}

/** The scripts ask for root: in a user namespace anybody is. And it notes the CPU time of what it runs. */
const sudo = `
as=()
((EUID == 0)) || as=(/usr/bin/unshare --map-root-user)
status=0
"\${as[@]}" "$@" || status=$?
times >>"$CALLS.times"
exit $status`;
