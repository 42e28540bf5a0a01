import * as fs from "node:fs";
import * as path from "node:path";
import { SshServer } from "../../support/sshServer";

/**
 * A stand-in for what root does on a node, for tests that have an SSH server but no machine: the commands arrive by real
 * SSH and name a real bundle, but instead of running it they are noted, and answered as the node's scripts would.
 */
export class NodeStandIn {
    /** `journal` is a file in which several of them note their calls in order. */
    constructor(
        private readonly ssh: SshServer,
        adminConf: string,
        readonly name = "lab-control-plane-0",
        journal = "/dev/null",
    ) {
        this.answer("name", name);
        this.answer("journal", journal);
        this.answer("admin.conf", adminConf);
        this.answer("proof", JSON.stringify({ ...proof, node: { ...proof.node, name } }));
        this.renewKey();
        this.podIsOn("lab-control-plane-0");
        ssh.stub("sudo", script);
    }

    /** What was run so far: the words after the bundle's path, and whether the bundle was whole. */
    calls(): string[] {
        const file = path.join(this.ssh.home, "calls");
        return fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim().split("\n") : [];
    }

    /** Makes the next run of a script fail once, after it has begun. */
    failOnce(words: string) {
        fs.writeFileSync(path.join(this.ssh.home, "fail"), words);
    }

    /** What a new machine does: it makes another key. */
    renewKey() {
        const request = `REQUEST-${this.name}-${Math.random()}`;
        const printed = { node: this.name, verb: "apply", steps: [...steps, { step: "key", request }] };
        this.answer("install", JSON.stringify(printed));
    }

    /** On which node the untrusted pod is found. */
    podIsOn(node: string) {
        this.answer("pod-node", node);
    }

    /** What the last run of a command read. */
    lastInput(): string {
        return fs.readFileSync(path.join(this.ssh.home, "input"), "utf8");
    }

    private answer(name: string, text: string) {
        fs.writeFileSync(path.join(this.ssh.home, name), text);
    }
}

const script = `
cd "$HOME"
[[ "$1 $2" == "bash .kata-cluster/bundle.sh" ]] || exit 64
[[ "$(tail -n 1 "$2")" == 'run "$@"' ]] && bash -n "$2" || exit 65
shift 2
case "$1" in
    --input)
        shift
        cat >input
        ;;
    --settings)
        shift
        cat >settings
        [[ "$(tail -n 1 settings)" == settings=whole ]] && bash -n settings || exit 65
        ;;
    *) [[ -s settings ]] || exit 67 ;;
esac
echo "$*" >>calls
echo "$(cat name): $*" >>"$(cat journal)"
echo "node stand-in: $*" >&2
if [[ -s fail && "$*" == "$(cat fail)"* ]]; then
    rm fail
    echo "kata-cluster: node lab-control-plane-0, step kata: the disk is full. Fix: free some space" >&2
    exit 1
fi
case "$*" in
    "node apply kubeadm") cat admin.conf ;;
    "node apply join") echo '{"node":"","verb":"apply","steps":[{"step":"join"}]}' ;;
    "admit apply "*)
        node=$3
        jq -c --arg node "$node" '{certificate: ("CERTIFICATE-" + .request), ca: "CA", endpoint: "https://192.0.2.1:6443"} +
            if .role == "worker" then {} else {sealed: "SEALED-KEYS"} end' <input
        ;;
    "admit reset "*) echo '{}' ;;
    "locate find "*) printf '{"node":"%s","uid":"%s"}\n' "$(cat pod-node)" "$5" ;;
    "node apply "*) cat install ;;
    "locate prove "* | "isolation prove "*) cat proof ;;
    "node reset "*) echo '{}' ;;
    *) exit 66 ;;
esac`;

const steps = [
    { step: "preflight", system: "debian 12", kernel: "6.1.0", emulated: true },
    { step: "containerd", version: "2.3.4" },
    { step: "kata", version: "4.1.0" },
    { step: "kubernetes", version: "1.36.4" },
];

const proof = {
    namespace: "default",
    isolated: true,
    runtimeHandler: "untrusted",
    pod: { name: "nginx-untrusted", bootId: "a", kernel: "6.12.0" },
    node: { name: "lab-control-plane-0", bootId: "b", kernel: "6.1.0" },
    kata: { version: "4.1.0" },
    vmProcess: { pid: 42, command: "qemu-system-x86_64" },
    control: { container: "kube-system/kube-proxy" },
};
