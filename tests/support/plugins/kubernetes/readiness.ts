import { Severity } from "../shared/provider";
import { KubeObject, pluck } from "./object";

/** What is known about an object on its way to ready. */
export interface Readiness {
    ready: boolean;
    /** Shown while waiting. */
    status: { severity: Severity; message: string }[];
    /** Reported if the wait fails. */
    problems: string[];
}

interface Condition {
    type: string;
    status: string;
    reason?: string;
    message?: string;
}
interface ContainerState {
    waiting?: { reason?: string; message?: string };
    terminated?: { reason?: string; message?: string; exitCode?: number; finishedAt?: string };
}
interface ContainerStatus {
    name: string;
    ready: boolean;
    state?: ContainerState;
    lastState?: ContainerState;
}

function condition(object: KubeObject, type: string): Condition | undefined {
    const conditions = (pluck(object, "status", "conditions") ?? []) as Condition[];
    return conditions.find((candidate) => candidate.type === type);
}

/** A pod is ready once it is scheduled, initialized and ready, or has succeeded. */
export function podReadiness(pod: KubeObject): Readiness {
    const { namespace, name } = pod.metadata;
    const fullName = namespace && namespace !== "default" ? `${namespace}/${name}` : name;
    const readiness: Readiness = { ready: false, status: [], problems: [] };
    const steps: [string, string][] = [
        ["PodScheduled", "scheduled"],
        ["Initialized", "initialized"],
        ["Ready", "ready"],
    ];
    for (const [type, word] of steps) {
        readiness.status.push({ severity: "info", message: `Waiting for Pod "${fullName}" to be ${word}` });
        const found = condition(pod, type);
        const succeeded = type === "Ready" && pluck(pod, "status", "phase") === "Succeeded";
        if (found && (found.status === "True" || succeeded)) {
            continue;
        }
        const errors = type === "PodScheduled" ? [] : containerErrors(pod);
        if (found && (errors.length > 0 || found.message)) {
            const prefix = type === "PodScheduled" ? "" : `[Pod ${fullName}]: `;
            const reason = found.reason && found.message ? found.message : "";
            if (prefix + reason + errors.join("") !== "") {
                readiness.problems.push(prefix + reason + errors.join("\n"));
            }
        }
        return readiness;
    }
    readiness.ready = true;
    return readiness;
}

function containerErrors(pod: KubeObject): string[] {
    const containers = (pluck(pod, "status", "containerStatuses") ?? []) as ContainerStatus[];
    return containers
        .filter(({ ready }) => !ready)
        .flatMap(({ name, state, lastState }) => {
            const errors: string[] = [];
            if (state?.waiting && state.waiting.reason !== "ContainerCreating") {
                errors.push(`[${state.waiting.reason}] ${state.waiting.message ?? ""}`);
            }
            if (state?.terminated?.reason) {
                const { reason, message, exitCode } = state.terminated;
                errors.push(
                    message ? `[${reason}] ${message}` : `container "${name}" completed with exit code ${exitCode}`,
                );
            }
            if (lastState?.terminated) {
                const { finishedAt, reason, exitCode, message } = lastState.terminated;
                errors.push(`container "${name}" terminated at ${finishedAt} (${reason}: exit code ${exitCode})`);
                errors.push(...(message ? [message] : []));
            }
            return errors;
        });
}

function progress(ready: boolean, message: string): Readiness {
    return { ready, status: [{ severity: "info", message }], problems: [] };
}

function number(object: KubeObject, field: string): number {
    return (pluck(object, "status", field) as number | undefined) ?? 0;
}

function observed(object: KubeObject): boolean {
    return number(object, "observedGeneration") >= (object.metadata.generation ?? 0);
}

/** A daemon set is ready once the newest pods are ready on all nodes that are to have one. */
export function daemonSetReadiness(set: KubeObject): Readiness {
    if (!observed(set)) {
        const generation = `DaemonSet generation is ${set.metadata.generation}`;
        return progress(false, `${generation}, but latest observed generation is ${number(set, "observedGeneration")}`);
    }
    const desired = number(set, "desiredNumberScheduled");
    const counts: [string, string][] = [
        ["Current", "currentNumberScheduled"],
        ["Updated", "updatedNumberScheduled"],
        ["Available", "numberAvailable"],
        ["Ready", "numberReady"],
    ];
    const behind = counts.find(([, field]) => number(set, field) < desired);
    return behind
        ? progress(false, `${behind[0]}: ${number(set, behind[1])}/${desired}`)
        : progress(true, `All replicas scheduled as expected. Replicas: ${desired}`);
}

const revision = "deployment.kubernetes.io/revision";

/** A deployment is ready once its newest replica set has all its pods ready. */
export function deploymentReadiness(deployment: KubeObject, replicaSets: KubeObject[]): Readiness {
    const current = deployment.metadata.annotations?.[revision];
    const newest = replicaSets.find(({ metadata }) => metadata.annotations?.[revision] === current);
    if (!observed(deployment) || current === undefined || !newest) {
        return progress(false, "Waiting for app ReplicaSet to be available");
    }
    const [available, progressing] = ["Available", "Progressing"].map((type) => condition(deployment, type));
    const wanted = (pluck(newest, "spec", "replicas") as number | undefined) ?? 1;
    const ready = number(newest, "readyReplicas");
    const rolledOut = progressing?.status === "True" && progressing.reason === "NewReplicaSetAvailable";
    if (available?.status === "True" && (rolledOut || current === "1") && ready >= wanted) {
        return progress(true, "Deployment initialization complete");
    }
    const result = progress(false, `Waiting for app ReplicaSet to be available (${ready}/${wanted} Pods available)`);
    for (const failed of [progressing, available]) {
        if (failed && failed.status !== "True" && failed.reason && failed.message) {
            const message = `[${failed.reason}] ${failed.message}`;
            result.status.push({ severity: "warning", message });
            result.problems.push(message);
        }
    }
    return result;
}
