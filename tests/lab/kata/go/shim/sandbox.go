package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"time"

	"kata-cluster.lab/kata-stand-in/protocol"

	"github.com/containerd/log"
	"github.com/mdlayher/vsock"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// sandbox is a pod's running guest and the connection to its agent.
type sandbox struct {
	id    string
	guest *guest
	agent *rpc.Client
}

// newSandbox boots the pod's guest and waits for its agent; on failure nothing stays behind.
func newSandbox(ctx context.Context, c *config, id string, spec *specs.Spec) (_ *sandbox, err error) {
	if err := refuseAnnotations(spec); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := os.MkdirAll(sharedDir(id), 0o700); err != nil {
		return nil, err
	}
	s := &sandbox{id: id}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.remove())
		}
	}()
	nics, err := connectNetwork(spec)
	defer func() {
		for _, n := range nics {
			n.tap.Close() // QEMU has its own descriptor
		}
	}()
	if err != nil {
		return nil, fmt.Errorf("network of sandbox %s: %w", id, err)
	}
	if s.guest, err = startGuest(c, id, nics); err != nil {
		return nil, err
	}
	conn, err := s.dialAgent(ctx, c.dialTimeout())
	if err != nil {
		return nil, err
	}
	s.agent = rpc.NewClient(conn)
	request := protocol.SandboxRequest{Hostname: spec.Hostname, Sysctl: spec.Linux.Sysctl}
	for _, n := range nics {
		request.Interfaces = append(request.Interfaces, n.Interface)
	}
	if err := s.call("Sandbox", request); err != nil {
		return nil, fmt.Errorf("set up the guest: %w", err)
	}
	log.G(ctx).Infof("kata stand-in %s: guest of sandbox %s is up after %.1f s (QEMU %d, %d MiB)", version, id,
		time.Since(start).Seconds(), s.guest.qemu.Process.Pid, c.Hypervisor.QEMU.DefaultMemory)
	return s, nil
}

func (s *sandbox) dialAgent(ctx context.Context, timeout time.Duration) (net.Conn, error) {
	deadline := time.After(timeout)
	for {
		conn, err := vsock.Dial(s.guest.cid, protocol.RPCPort, nil)
		if err == nil {
			return conn, nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("guest of sandbox %s: %w: %s", s.id, ctx.Err(), s.guest.whyDead())
		case <-s.guest.exited:
			return nil, fmt.Errorf("guest of sandbox %s: QEMU ended: %s", s.id, s.guest.whyDead())
		case <-deadline:
			return nil, fmt.Errorf("guest of sandbox %s: timed out after %s connecting to vsock %d:%d (%w): %s", s.id,
				timeout, s.guest.cid, protocol.RPCPort, err, s.guest.whyDead())
		}
	}
}

func (s *sandbox) call(method string, request any) error {
	return s.agent.Call(protocol.ServiceName+"."+method, request, &protocol.Empty{})
}

// openStream opens a process's stdin, stdout or stderr.
func (s *sandbox) openStream(id protocol.ProcessID, name string) (net.Conn, error) {
	conn, err := vsock.Dial(s.guest.cid, protocol.StreamPort, nil)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintln(conn, protocol.StreamHeader(id, name)); err != nil {
		conn.Close()
		return nil, err
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// remove ends the guest and removes everything that it has on the node.
func (s *sandbox) remove() error {
	if s.guest != nil {
		s.guest.stop()
	}
	return removeSandbox(s.id)
}
