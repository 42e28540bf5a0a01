// A Kata cluster in virtual machines on this computer, with one more untrusted pod.
package main

import (
	// pulumi package add makes this SDK, and prints the path to import by.
	"github.com/OWNER/pulumi-kata-cluster/sdk/go/katacluster"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		settings := config.New(ctx, "")
		workers := 1.0
		if err := settings.GetObject("workers", &workers); err != nil {
			return err
		}
		image := settings.Get("image")
		if image == "" {
			image = "nginx:1.29"
		}

		// Pods that say nothing of themselves are not trusted either.
		untrusted := katacluster.WorkloadTrustUntrusted
		lab, err := katacluster.NewKataCluster(ctx, "lab", &katacluster.KataClusterArgs{
			Machines: katacluster.MachinesArgsArgs{
				Local: &katacluster.LocalMachineArgsArgs{
					Workers: &katacluster.LocalWorkersArgsArgs{Count: &workers},
				},
			},
			Trust: &katacluster.TrustArgsArgs{DefaultWorkloadTrust: &untrusted},
		})
		if err != nil {
			return err
		}

		// The identifier tells the provider that the cluster is the same one, whatever else in its kubeconfig changes.
		provider, err := kubernetes.NewProvider(ctx, "lab", &kubernetes.ProviderArgs{
			Kubeconfig:        lab.Kubeconfig,
			ClusterIdentifier: pulumi.String("lab"),
		})
		if err != nil {
			return err
		}

		web, err := katacluster.NewUntrustedPod(ctx, "web", &katacluster.UntrustedPodArgs{
			Name:  pulumi.StringRef("web"),
			Image: pulumi.String(image),
		}, pulumi.Providers(provider))
		if err != nil {
			return err
		}

		ctx.Export("kubeconfig", lab.Kubeconfig) // secret
		ctx.Export("runtimeClassName", lab.RuntimeClassName)
		ctx.Export("isolation", lab.Isolation)
		ctx.Export("pod", web.Name)
		return nil
	})
}
