package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	bootstrap "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/shim"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// manager answers containerd's calls of the binary itself: start, delete and -info.
type manager struct{}

func (manager) Name() string { return runtimeName }

// Start brings up the shim of a new pod, or gives the address of the pod's running one. It takes its parameters from the
// command line and prints a bare address: that is what every containerd since 1.2 and CRI-O understand.
func (manager) Start(ctx context.Context, _ *bootstrap.BootstrapParams) (*bootstrap.BootstrapResult, error) {
	id := flag.Lookup("id").Value.String()
	containerd := flag.Lookup("address").Value.String()
	spec, err := readSpec(".")
	if err != nil {
		return nil, err
	}
	role, sandboxID := roleOf(id, spec)
	address, err := shim.SocketAddress(ctx, containerd, sandboxID, false)
	if err != nil {
		return nil, err
	}
	if !connects(ctx, address, role) {
		if role == roleContainer {
			return nil, fmt.Errorf("kata stand-in: the shim of sandbox %s does not answer", sandboxID)
		}
		_ = shim.RemoveSocket(address)
		if err := spawn(ctx, id, containerd, address); err != nil {
			return nil, err
		}
	}
	if _, err := fmt.Print(address); err != nil {
		return nil, err
	}
	os.Exit(0)
	return nil, nil
}

// connects tells whether a shim listens there. One try gives up after a tenth of a second, which says nothing on a busy
// machine: the shim of a container's sandbox is there, and another one would have no guest.
func connects(ctx context.Context, address string, r role) bool {
	for end := time.Now().Add(30 * time.Second); ; {
		if shim.CanConnect(address) {
			return true
		}
		if r != roleContainer || ctx.Err() != nil || time.Now().After(end) {
			return false
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func spawn(ctx context.Context, id, containerd, address string) error {
	namespace, err := namespaces.NamespaceRequired(ctx)
	if err != nil {
		return err
	}
	listener, err := shim.NewSocket(address)
	if err != nil {
		return err
	}
	socket, err := listener.File()
	if err != nil {
		return err
	}
	if err := os.WriteFile("address", []byte(address), 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"-namespace", namespace, "-id", id, "-address", containerd}
	if flag.Lookup("debug").Value.String() == "true" {
		args = append(args, "-debug")
	}
	cmd := exec.Command(self, args...)
	cmd.ExtraFiles = []*os.File{socket} // pkg/shim serves on descriptor 3
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		_ = shim.RemoveSocket(address)
		return err
	}
	return shim.AdjustOOMScore(cmd.Process.Pid)
}

// Stop cleans up after a shim that is gone. containerd calls it in the bundle's directory, once for each container.
func (manager) Stop(_ context.Context, id string) (shim.StopStatus, error) {
	status := shim.StopStatus{ExitedAt: time.Now(), ExitStatus: 128 + int(unix.SIGKILL)}
	cwd, err := os.Getwd()
	if err != nil {
		return status, err
	}
	spec, err := readSpec(filepath.Join(filepath.Dir(cwd), id))
	if errors.Is(err, os.ErrNotExist) {
		return status, nil
	} else if err != nil {
		return status, err
	}
	if role, sandboxID := roleOf(id, spec); role == roleContainer {
		return status, unshare(sandboxID, id)
	}
	return status, removeSandbox(id)
}

func (manager) Info(context.Context, io.Reader) (*types.RuntimeInfo, error) {
	return &types.RuntimeInfo{Name: runtimeName, Version: &types.RuntimeVersion{Version: version}}, nil
}

func readSpec(bundle string) (*specs.Spec, error) {
	data, err := os.ReadFile(filepath.Join(bundle, "config.json"))
	if err != nil {
		return nil, err
	}
	spec := &specs.Spec{}
	return spec, json.Unmarshal(data, spec)
}

type role int

const (
	roleSingle    role = iota // a container without a pod, as ctr starts it: guest and container in one
	roleSandbox               // a pod's sandbox container: the guest
	roleContainer             // a container in a pod's guest
)

// roleOf reads the annotations of containerd's CRI plugin and of CRI-O.
func roleOf(id string, spec *specs.Spec) (role, string) {
	for _, prefix := range []string{"io.kubernetes.cri.", "io.kubernetes.cri-o."} {
		kind := spec.Annotations[prefix+"container-type"] + spec.Annotations[prefix+"ContainerType"]
		sandbox := spec.Annotations[prefix+"sandbox-id"] + spec.Annotations[prefix+"SandboxID"]
		switch {
		case kind == "sandbox":
			return roleSandbox, id
		case kind == "container" && sandbox != "":
			return roleContainer, sandbox
		}
	}
	return roleSingle, id
}
