// Package protocol is what the shim on the node and the agent in the guest say to each other over vsock.
//
// Calls are net/rpc on RPCPort. A process's stdin, stdout and stderr are one connection each on StreamPort: the shim
// sends the line of StreamHeader, the agent answers one byte when it has stored the connection, and from then on the
// connection carries nothing but the stream. Streams are opened before the process is started.
package protocol

import "fmt"

const (
	// RPCPort and StreamPort are the agent's vsock ports.
	RPCPort    = 1024
	StreamPort = 1025
	// ShareTag names the virtio-fs share, ShareDir is where the guest mounts it.
	ShareTag = "kataShared"
	ShareDir = "/run/kata-containers/shared/containers"
	// ServiceName is the agent's name in net/rpc.
	ServiceName = "Agent"
)

// Empty is the answer of calls that only succeed or fail.
type Empty struct{}

// Route is one route of the pod's network namespace; Dst is empty for a default route.
type Route struct {
	Dst, Gw, Src string
	Scope, Flags int
}

// Interface is one interface of the pod's network namespace, to be found in the guest by its MAC address.
type Interface struct {
	Name, MAC string
	MTU       int
	Addresses []string
	Routes    []Route
}

// SandboxRequest sets the guest up for the pod.
type SandboxRequest struct {
	Hostname   string
	Sysctl     map[string]string
	Interfaces []Interface
}

// ProcessID names a process: Exec is empty for a container's first process.
type ProcessID struct{ Container, Exec string }

// StartRequest starts a container (Exec empty; Spec is its OCI specification, mount sources as the guest sees them) or
// a further process in it (Spec is the OCI process).
type StartRequest struct {
	ProcessID
	Spec     []byte
	Terminal bool
}

// SignalRequest sends a signal.
type SignalRequest struct {
	ProcessID
	Signal int
}

// ResizeRequest sets a terminal's size.
type ResizeRequest struct {
	ProcessID
	Width, Height uint32
}

// StreamHeader is the first line on a stream connection; stream is stdin, stdout or stderr.
func StreamHeader(id ProcessID, stream string) string {
	return fmt.Sprintf("%s/%s/%s", id.Container, id.Exec, stream)
}
