import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ClusterSpec } from "../spec";
import { Endpoint } from "./controlPlane";

const namespace = "kube-flannel";
const labels = { app: "flannel", "k8s-app": "flannel", tier: "node" };

/**
 * The pod network flannel, as its own manifest has it, with pinned images, our pod range and the API's own address:
 * https://github.com/flannel-io/flannel/blob/v0.28.4/Documentation/kube-flannel.yml
 */
export class Flannel extends pulumi.ComponentResource {
    constructor(name: string, spec: ClusterSpec, api: pulumi.Output<Endpoint>, opts: pulumi.ComponentResourceOptions) {
        super("kata-cluster:cluster:Flannel", name, {}, opts);
        const account = serviceAccount(name, { parent: this });
        const config = configMap(name, spec.kubernetes.podCidr, { parent: this, dependsOn: account.namespace });
        const bounded = `${spec.timeouts.podSeconds}s`;
        new k8s.apps.v1.DaemonSet(
            `${name}-daemon`,
            { metadata: { name: "kube-flannel-ds", namespace, labels }, spec: daemonSet(spec, api) },
            {
                parent: this,
                dependsOn: [...account.all, config],
                customTimeouts: { create: bounded, update: bounded },
            },
        );
        this.registerOutputs({});
    }
}

function serviceAccount(name: string, opts: pulumi.CustomResourceOptions) {
    const home = new k8s.core.v1.Namespace(
        `${name}-namespace`,
        {
            metadata: {
                name: namespace,
                labels: { "k8s-app": "flannel", "pod-security.kubernetes.io/enforce": "privileged" },
            },
        },
        opts,
    );
    const role = new k8s.rbac.v1.ClusterRole(
        `${name}-role`,
        {
            metadata: { name: "flannel", labels: { "k8s-app": "flannel" } },
            rules: [
                { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
                { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
                { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
            ],
        },
        opts,
    );
    const account = new k8s.core.v1.ServiceAccount(
        `${name}-account`,
        { metadata: { name: "flannel", namespace, labels: { "k8s-app": "flannel" } } },
        { ...opts, dependsOn: home },
    );
    const binding = new k8s.rbac.v1.ClusterRoleBinding(
        `${name}-binding`,
        {
            metadata: { name: "flannel", labels: { "k8s-app": "flannel" } },
            roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "flannel" },
            subjects: [{ kind: "ServiceAccount", name: "flannel", namespace }],
        },
        { ...opts, dependsOn: [role, account] },
    );
    return { namespace: home, all: [home, role, account, binding] };
}

function configMap(name: string, podCidr: string, opts: pulumi.CustomResourceOptions) {
    const network = {
        name: "cbr0",
        cniVersion: "0.3.1",
        plugins: [
            { type: "flannel", delegate: { hairpinMode: true, isDefaultGateway: true } },
            { type: "portmap", capabilities: { portMappings: true } },
        ],
    };
    return new k8s.core.v1.ConfigMap(
        `${name}-config`,
        {
            metadata: { name: "kube-flannel-cfg", namespace, labels },
            data: {
                "cni-conf.json": JSON.stringify(network, undefined, 2),
                "net-conf.json": JSON.stringify(
                    { Network: podCidr, EnableNFTables: false, Backend: { Type: "vxlan" } },
                    undefined,
                    2,
                ),
            },
        },
        opts,
    );
}

function daemonSet(spec: ClusterSpec, api: pulumi.Output<Endpoint>): k8s.types.input.apps.v1.DaemonSetSpec {
    const { flannel, flannelCniPlugin } = spec.images;
    const cni = { name: "cni", mountPath: "/etc/cni/net.d" };
    const config = { name: "flannel-cfg", mountPath: "/etc/kube-flannel/" };
    const hostPath = (name: string, path: string, type?: string) => ({ name, hostPath: { path, type } });
    const fromField = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    const copy = (name: string, image: string, args: string[], volumeMounts: object[]) =>
        ({ name, image, command: ["cp"], args, volumeMounts }) as k8s.types.input.core.v1.Container;
    const linux = [{ key: "kubernetes.io/os", operator: "In", values: ["linux"] }];
    return {
        selector: { matchLabels: { app: "flannel", "k8s-app": "flannel" } },
        template: {
            metadata: { labels },
            spec: {
                affinity: {
                    nodeAffinity: {
                        requiredDuringSchedulingIgnoredDuringExecution: {
                            nodeSelectorTerms: [{ matchExpressions: linux }],
                        },
                    },
                },
                hostNetwork: true,
                priorityClassName: "system-node-critical",
                tolerations: [{ operator: "Exists", effect: "NoSchedule" }],
                serviceAccountName: "flannel",
                initContainers: [
                    copy(
                        "install-cni-plugin",
                        flannelCniPlugin,
                        ["-f", "/flannel", "/opt/cni/bin/flannel"],
                        [{ name: "cni-plugin", mountPath: "/opt/cni/bin" }],
                    ),
                    copy(
                        "install-cni",
                        flannel,
                        ["-f", "/etc/kube-flannel/cni-conf.json", "/etc/cni/net.d/10-flannel.conflist"],
                        [cni, config],
                    ),
                ],
                containers: [
                    {
                        name: "kube-flannel",
                        image: flannel,
                        command: ["/opt/bin/flanneld"],
                        // By the address that the cluster knows the node by: it may have others.
                        args: ["--ip-masq", "--kube-subnet-mgr", "--iface=$(NODE_IP)"],
                        resources: { requests: { cpu: "100m", memory: "50Mi" } },
                        securityContext: { privileged: false, capabilities: { add: ["NET_ADMIN", "NET_RAW"] } },
                        env: [
                            fromField("POD_NAME", "metadata.name"),
                            fromField("POD_NAMESPACE", "metadata.namespace"),
                            fromField("NODE_IP", "status.hostIP"),
                            // Not by its Service: flannel starts before kube-proxy has made that.
                            { name: "KUBERNETES_SERVICE_HOST", value: api.host },
                            { name: "KUBERNETES_SERVICE_PORT", value: api.port },
                            { name: "EVENT_QUEUE_DEPTH", value: "5000" },
                            { name: "CONT_WHEN_CACHE_NOT_READY", value: "false" },
                        ],
                        volumeMounts: [
                            { name: "run", mountPath: "/run/flannel" },
                            config,
                            { name: "xtables-lock", mountPath: "/run/xtables.lock" },
                        ],
                    },
                ],
                volumes: [
                    hostPath("run", "/run/flannel"),
                    hostPath("cni-plugin", "/opt/cni/bin"),
                    hostPath("cni", "/etc/cni/net.d"),
                    { name: "flannel-cfg", configMap: { name: "kube-flannel-cfg" } },
                    hostPath("xtables-lock", "/run/xtables.lock", "FileOrCreate"),
                ],
            },
        },
    };
}
