"""A Kata cluster in virtual machines on this computer, with one more untrusted pod."""

import pulumi
import pulumi_kubernetes as kubernetes

# pulumi package add makes this SDK, and prints the name to import by.
import OWNER_kata_cluster as kata_cluster

config = pulumi.Config()

lab = kata_cluster.KataCluster(
    "lab",
    machines={"local": {"workers": {"count": config.get_int("workers", 1)}}},
    # Pods that say nothing of themselves are not trusted either.
    trust={"default_workload_trust": "untrusted"},
)

# The identifier tells the provider that the cluster is the same one, whatever else in its kubeconfig changes.
provider = kubernetes.Provider("lab", kubeconfig=lab.kubeconfig, cluster_identifier="lab")

web = kata_cluster.UntrustedPod(
    "web",
    name="web",
    image=config.get("image", "nginx:1.29"),
    opts=pulumi.ResourceOptions(providers=[provider]),
)

pulumi.export("kubeconfig", lab.kubeconfig)  # secret
pulumi.export("runtime_class_name", lab.runtime_class_name)
pulumi.export("isolation", lab.isolation)
pulumi.export("pod", web.name)
