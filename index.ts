export * from "./components/args";
export { KataCluster } from "./components/kataCluster";
export { IsolationFindings, KernelFindings } from "./components/cluster/isolationProof";
export { NodeFindings } from "./components/node/nodeFindings";
export { UntrustedPod } from "./components/workload/untrustedPod";
