import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { ContainerRuntime, TrustArgs } from "../../../components/args";
import { admissionPolicies } from "../../../components/cluster/admission/admissionPolicies";
import { manifests } from "../../../components/cluster/admission/policy";
import { runtimeClassObject } from "../../../components/cluster/runtimeClass";
import { untrustedAnnotation } from "../../../components/trust";
import { ApiAnswer, ApiRequest, ApiServer, ApiServerOptions } from "../../support/apiServer";
import { specOf } from "../../support/specs";

/** An object of the API. */
export interface KubeObject {
    apiVersion: string;
    kind: string;
    metadata: { name?: string; namespace?: string; annotations?: Record<string, string> };
    spec?: object;
}

/** Who makes requests. `careless` was granted more than it should have been; the administrator is kubeadm's. */
const users: Record<string, NonNullable<ApiRequest["as"]>> = {
    administrator: { user: "kubernetes-admin", groups: ["kubeadm:cluster-admins"] },
    tenant: { user: "tenant" },
    careless: { user: "careless" },
    scheduler: { user: "system:kube-scheduler" },
    agent: { user: "system:serviceaccount:agents:scheduler" },
    daemonsets: { user: "system:serviceaccount:kube-system:daemon-set-controller" },
    kubelet: { user: "system:node:control-plane", groups: ["system:nodes"] },
};

const clusterKinds = ["ClusterRole", "ClusterRoleBinding", "Namespace", "Node", "RuntimeClass"];
const home = "tenant";

/** The path of an object's collection; with a name, of the object itself. */
export function pathOf({ apiVersion, kind, metadata }: KubeObject, name?: string): string {
    const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const wide = clusterKinds.includes(kind) || apiVersion.startsWith("admissionregistration.k8s.io/");
    const namespace = wide ? "" : `/namespaces/${metadata.namespace ?? home}`;
    const plural = kind.toLowerCase().replace(/s$/, "se").replace(/y$/, "ie") + "s";
    return `${group}${namespace}/${plural}${name === undefined ? "" : `/${name}`}`;
}

/** A real API server with a tenant, RuntimeClasses and, once they are installed, the policies. */
export class PolicyCluster {
    private constructor(readonly api: ApiServer) {}

    /** kubeadm switches NodeRestriction on too, without which a kubelet could make any pod. */
    static async start(options: ApiServerOptions = {}): Promise<PolicyCluster> {
        const flags = ["--enable-admission-plugins=NodeRestriction", ...(options.flags ?? [])];
        const cluster = new PolicyCluster(await ApiServer.start({ ...options, flags }));
        for (const object of furniture) {
            await cluster.make(object);
        }
        for (const namespace of [home, "agents", "kube-flannel", "kube-system", "default"]) {
            await cluster.serviceAccount(namespace);
        }
        await cluster.until("the role admin, which a controller puts together", async () => {
            const { code } = await cluster.tryPod({});
            return code === 201;
        });
        return cluster;
    }

    close() {
        return this.api.close();
    }

    /** Sends a request as one of the users. */
    send(as: string, request: ApiRequest): Promise<ApiAnswer> {
        const user = users[as];
        assert.ok(user, `no such user: ${as}`);
        return this.api.request({ ...request, as: user });
    }

    /** Creates an object, as whoever may do everything. */
    async make(object: KubeObject): Promise<void> {
        const { code, body } = await this.api.request({ method: "POST", path: pathOf(object), body: object });
        assert.equal(code, 201, `${object.kind} ${object.metadata.name}: ${body.message}`);
    }

    /** What pods need to be created in a namespace; its controller may have been faster, or may not run. */
    private async serviceAccount(namespace: string): Promise<void> {
        const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } };
        const { code, body } = await this.api.request({ method: "POST", path: pathOf(account), body: account });
        assert.ok([201, 409].includes(code), body.message);
    }

    /** RuntimeClass kata as a container runtime has it. */
    async installRuntimeClass(containerRuntime: ContainerRuntime): Promise<void> {
        const head = { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass" };
        const kata = { ...head, ...runtimeClassObject(containerRuntime, "qemu") };
        await this.api.request({ method: "DELETE", path: pathOf(kata, "kata") });
        await this.make(kata);
    }

    /** Installs the policies, or changes them, by server-side apply. */
    async apply(trust: TrustArgs, kubernetesVersion?: string): Promise<void> {
        for (const object of policyObjects(trust, kubernetesVersion)) {
            const { code, body } = await this.send("administrator", {
                method: "PATCH",
                path: `${pathOf(object, object.metadata.name)}?fieldManager=test&force=true`,
                contentType: "application/apply-patch+yaml",
                body: object,
            });
            assert.ok(code < 300, `${object.kind} ${object.metadata.name}: ${body.message}`);
        }
    }

    /** Installs the policies and waits until the API server goes by each of them; gives back how long that took. */
    async install(trust: TrustArgs, kubernetesVersion?: string): Promise<number> {
        await this.apply(trust, kubernetesVersion);
        const begun = Date.now();
        const untrusted = trust.defaultWorkloadTrust === "untrusted";
        await this.until("the policies' effect", () => this.inEffect(untrusted));
        return Date.now() - begun;
    }

    /** Waits for something, two minutes at most. */
    async until(what: string, holds: () => Promise<boolean>): Promise<void> {
        for (const end = Date.now() + 120_000; !(await holds()); await sleep(50)) {
            assert.ok(Date.now() < end, `${what}: not there after two minutes`);
        }
    }

    private async inEffect(untrusted: boolean): Promise<boolean> {
        const annotations = { [untrustedAnnotation]: "true" };
        const mutated = await this.tryPod({ annotations });
        const plain = await this.tryPod({});
        const refused = await this.tryPod(untrusted ? {} : { annotations }, { hostPID: true });
        const spelled = { metadata: { annotations: { [untrustedAnnotation]: "TRUE" } }, spec: podSpec };
        const template = { apiVersion: "v1", kind: "PodTemplate", metadata: { name: "probe" }, template: spelled };
        const templates = await this.send("tenant", dryRun(template));
        const guard = await this.send("careless", dryRun(runtimeClass("probe", "runc")));
        return (
            classOf(mutated) === "kata" &&
            classOf(plain) === (untrusted ? "kata" : undefined) &&
            [refused, templates, guard].every(({ code }) => code === 422)
        );
    }

    /** Tries to create a pod as the tenant. */
    tryPod(metadata: object, spec: object = {}): Promise<ApiAnswer> {
        const pod = {
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name: "probe", ...metadata },
            spec: { ...podSpec, ...spec },
        };
        return this.send("tenant", dryRun(pod));
    }

    /** The node's uid, which a mirror pod names as its owner. */
    async nodeUid(): Promise<string> {
        const { body } = await this.api.request({ path: "/api/v1/nodes/control-plane" });
        return (body.metadata as { uid: string }).uid;
    }
}

/** Every policy and binding, as kubectl would apply them. */
export function policyObjects(trust: TrustArgs, kubernetesVersion?: string): KubeObject[] {
    return admissionPolicies(specOf({ trust, kubernetes: { version: kubernetesVersion } })).flatMap(manifests);
}

/** A request that goes through all of admission and leaves nothing behind. */
export function dryRun(object: KubeObject): ApiRequest {
    return { method: "POST", path: `${pathOf(object)}?dryRun=All`, body: object };
}

/** The RuntimeClass of the pod in an answer. */
export function classOf({ body }: ApiAnswer): string | undefined {
    return (body.spec as { runtimeClassName?: string } | undefined)?.runtimeClassName;
}

/** The spec of a pod that asks for nothing. */
export const podSpec = { containers: [{ name: "app", image: "nginx" }] };

function runtimeClass(name: string, handler: string): KubeObject {
    return { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass", metadata: { name }, handler } as KubeObject;
}

const rbac = "rbac.authorization.k8s.io";

function granted(user: string, role: string, namespace?: string): KubeObject {
    const kind = namespace ? "RoleBinding" : "ClusterRoleBinding";
    const subject = user.startsWith("kubeadm:") ? { kind: "Group", name: user } : { kind: "User", name: user };
    return {
        apiVersion: `${rbac}/v1`,
        kind,
        metadata: { name: `${user}-${role}`, namespace },
        roleRef: { apiGroup: rbac, kind: "ClusterRole", name: role },
        subjects: [{ apiGroup: rbac, ...subject }],
    } as KubeObject;
}

function role(name: string, rules: object[]): KubeObject {
    return { apiVersion: `${rbac}/v1`, kind: "ClusterRole", metadata: { name }, rules } as KubeObject;
}

const bindsPods = { apiGroups: [""], resources: ["pods/binding", "bindings"], verbs: ["create"] };

/** What is in the cluster before the policies. */
const furniture: KubeObject[] = [
    ...[home, "agents", "kube-flannel"].map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
    { apiVersion: "v1", kind: "Node", metadata: { name: "control-plane" } },
    runtimeClass("runc", "runc"),
    granted("kubeadm:cluster-admins", "cluster-admin"),
    granted("tenant", "admin", home),
    role("more-than-admin", [
        { apiGroups: [""], resources: ["podtemplates"], verbs: ["*"] },
        { apiGroups: [""], resources: ["pods/ephemeralcontainers", "pods/resize"], verbs: ["patch", "update"] },
    ]),
    granted("tenant", "more-than-admin", home),
    role("careless", [
        { apiGroups: ["node.k8s.io"], resources: ["runtimeclasses"], verbs: ["*"] },
        { apiGroups: [""], resources: ["namespaces"], verbs: ["*"] },
        { apiGroups: [""], resources: ["pods/status"], verbs: ["patch", "update"] },
        bindsPods,
    ]),
    granted("careless", "careless"),
    role("binds-pods", [bindsPods]),
    granted("system:serviceaccount:agents:scheduler", "binds-pods"),
];
