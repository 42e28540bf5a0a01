// containerd-shim-kata-v2 (stand-in) runs a pod in a virtual machine of its own behind Kata Containers' file layout and
// containerd's shim interface. It is test code for machines on which no Kata release can be had, and says so wherever it
// names itself.
//
// One shim serves one pod. The pod's sandbox container is the guest itself: one QEMU under the node's /dev/kvm that boots
// the agent (package agent). Every other container runs in that guest, in mount and process namespaces of its own. Its
// root file system and its volumes are bind-mounted below the sandbox's directory, which the guest sees through
// virtio-fs, so a change on either side is seen on the other. The pod's interfaces are joined to taps by tc filters and
// the guest takes their MAC and IP addresses. Shim and agent talk over vsock (package protocol).
//
// Left out: seccomp, AppArmor, user namespaces, shared process namespaces, devices, sockets on volumes, guest resources
// by container limit, resource updates.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/containerd/containerd/v2/pkg/shim"
)

// version is set by the linker.
var version = "0.0.0-standin"

const runtimeName = "io.containerd.kata.v2"

func main() {
	if len(os.Args) == 2 && (os.Args[1] == "--version" || os.Args[1] == "-v" || os.Args[1] == "version") {
		fmt.Printf("Kata Containers containerd shim (stand-in): id: %s, version: %s\n", runtimeName, version)
		return
	}
	shim.RunShim(context.Background(), manager{}, func(c *shim.Config) {
		c.NoReaper = true // os/exec waits for the shim's only children, QEMU and virtiofsd
		c.NoSubreaper = true
	})
}
