package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"

	"kata-cluster.lab/kata-stand-in/protocol"

	"github.com/containerd/containerd/api/events"
	tasks "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/core/runtime"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/containerd/v2/plugins"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"
	"github.com/containerd/ttrpc"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func init() {
	registry.Register(&plugin.Registration{
		Type:     plugins.TTRPCPlugin,
		ID:       "task",
		Requires: []plugin.Type{plugins.EventPlugin, plugins.InternalPlugin},
		InitFn: func(ic *plugin.InitContext) (any, error) {
			publisher, err := ic.GetByID(plugins.EventPlugin, "publisher")
			if err != nil {
				return nil, err
			}
			stop, err := ic.GetByID(plugins.InternalPlugin, "shutdown")
			if err != nil {
				return nil, err
			}
			return &service{ctx: ic.Context, publisher: publisher.(shim.Publisher), stop: stop.(shutdown.Service),
				processes: map[protocol.ProcessID]*process{}, bundles: map[string]string{}}, nil
		},
	})
}

// service is containerd's task API, version 2 (which CRI-O speaks too), for the containers of one pod.
type service struct {
	ctx       context.Context
	publisher shim.Publisher
	stop      shutdown.Service

	mu        sync.Mutex
	sandbox   *sandbox
	processes map[protocol.ProcessID]*process
	bundles   map[string]string
}

func (s *service) RegisterTTRPC(server *ttrpc.Server) error {
	tasks.RegisterTTRPCTaskService(server, s)
	return nil
}

// Create boots the guest for a sandbox; for a container it shares its files with the pod's guest.
func (s *service) Create(ctx context.Context, r *tasks.CreateTaskRequest) (*tasks.CreateTaskResponse, error) {
	spec, err := readSpec(r.Bundle)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	role, sandboxID := roleOf(r.ID, spec)
	if role != roleContainer {
		c, err := loadConfig(r.Options)
		if err != nil {
			return nil, errgrpc.ToGRPC(fmt.Errorf("kata stand-in configuration: %w", err))
		}
		box, err := newSandbox(ctx, c, sandboxID, spec)
		if err != nil {
			return nil, errgrpc.ToGRPC(fmt.Errorf("kata stand-in: %w", err))
		}
		s.mu.Lock()
		s.sandbox = box
		s.mu.Unlock()
	} else if s.sandbox == nil || s.sandbox.id != sandboxID {
		return nil, errgrpc.ToGRPCf(errdefs.ErrFailedPrecondition, "kata stand-in: sandbox %s has no guest", sandboxID)
	}
	p := &process{ProcessID: protocol.ProcessID{Container: r.ID}, stdin: r.Stdin, stdout: r.Stdout, stderr: r.Stderr,
		terminal: r.Terminal, status: task.Status_CREATED, done: make(chan struct{})}
	if role != roleSandbox {
		p.spec = spec
		if err := share(sandboxID, r.ID, r.Bundle, r.Rootfs, spec); err != nil {
			_ = s.removeContainer(r.ID)
			return nil, errgrpc.ToGRPC(fmt.Errorf("kata stand-in: container %s: %w", r.ID, err))
		}
	}
	s.mu.Lock()
	s.processes[p.ProcessID] = p
	s.bundles[r.ID] = r.Bundle
	s.mu.Unlock()
	s.publish(runtime.TaskCreateEventTopic, &events.TaskCreate{ContainerID: r.ID, Bundle: r.Bundle, Rootfs: r.Rootfs,
		IO: &events.TaskIO{Stdin: r.Stdin, Stdout: r.Stdout, Stderr: r.Stderr, Terminal: r.Terminal}, Pid: s.pid()})
	return &tasks.CreateTaskResponse{Pid: s.pid()}, nil
}

// Exec prepares a further process in a container.
func (s *service) Exec(_ context.Context, r *tasks.ExecProcessRequest) (*emptypb.Empty, error) {
	spec := &specs.Process{}
	if err := json.Unmarshal(r.Spec.GetValue(), spec); err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	id := protocol.ProcessID{Container: r.ID, Exec: r.ExecID}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.processes[id]; found {
		return nil, errgrpc.ToGRPCf(errdefs.ErrAlreadyExists, "process %s of container %s", r.ExecID, r.ID)
	}
	s.processes[id] = &process{ProcessID: id, spec: spec, stdin: r.Stdin, stdout: r.Stdout, stderr: r.Stderr,
		terminal: r.Terminal, status: task.Status_CREATED, done: make(chan struct{})}
	s.publish(runtime.TaskExecAddedEventTopic, &events.TaskExecAdded{ContainerID: r.ID, ExecID: r.ExecID})
	return &emptypb.Empty{}, nil
}

// Start runs a created process. A sandbox's "process" is the guest, which runs since Create.
func (s *service) Start(_ context.Context, r *tasks.StartRequest) (*tasks.StartResponse, error) {
	p, err := s.find(r.ID, r.ExecID)
	if err != nil {
		return nil, err
	}
	if p.spec == nil {
		go func() {
			<-s.sandbox.guest.exited
			s.exited(p, 128+uint32(unix.SIGKILL))
		}()
	} else {
		drained, err := p.start(s.sandbox)
		if err != nil {
			p.ended(127)
			return nil, errgrpc.ToGRPC(fmt.Errorf("kata stand-in: %w", err))
		}
		defer func() { go func() { s.exited(p, p.wait(s.ctx, s.sandbox, drained)) }() }()
	}
	p.running()
	if r.ExecID == "" {
		s.publish(runtime.TaskStartEventTopic, &events.TaskStart{ContainerID: r.ID, Pid: s.pid()})
	} else {
		s.publish(runtime.TaskExecStartedEventTopic,
			&events.TaskExecStarted{ContainerID: r.ID, ExecID: r.ExecID, Pid: s.pid()})
	}
	return &tasks.StartResponse{Pid: s.pid()}, nil
}

func (s *service) exited(p *process, status uint32) {
	if !p.ended(status) {
		return
	}
	id := p.Exec
	if id == "" {
		id = p.Container
	}
	s.publish(runtime.TaskExitEventTopic, &events.TaskExit{ContainerID: p.Container, ID: id, Pid: s.pid(),
		ExitStatus: status, ExitedAt: timestamppb.Now()})
}

// Delete forgets an ended process; with a container its files go, with a sandbox its guest.
func (s *service) Delete(_ context.Context, r *tasks.DeleteRequest) (*tasks.DeleteResponse, error) {
	p, err := s.find(r.ID, r.ExecID)
	if err != nil {
		return nil, err
	}
	status, exit, at := p.state()
	if status == task.Status_RUNNING {
		return nil, errgrpc.ToGRPCf(errdefs.ErrFailedPrecondition, "process %q of container %s is running", r.ExecID, r.ID)
	}
	if p.spec != nil {
		_ = s.sandbox.call("Remove", p.ProcessID) // a dead guest has forgotten already
	}
	pid := s.pid()
	if r.ExecID == "" {
		if err := s.removeContainer(r.ID); err != nil {
			return nil, errgrpc.ToGRPC(err)
		}
		s.publish(runtime.TaskDeleteEventTopic, &events.TaskDelete{ContainerID: r.ID, Pid: pid, ExitStatus: exit,
			ExitedAt: timestamppb.New(at)})
	}
	s.mu.Lock()
	delete(s.processes, p.ProcessID)
	s.mu.Unlock()
	return &tasks.DeleteResponse{Pid: pid, ExitStatus: exit, ExitedAt: timestamppb.New(at)}, nil
}

func (s *service) removeContainer(id string) error {
	if id == s.sandbox.id {
		return s.sandbox.remove()
	}
	return unshare(s.sandbox.id, id)
}

// Kill signals a process. Any signal to a sandbox ends its guest, and so every container in it.
func (s *service) Kill(_ context.Context, r *tasks.KillRequest) (*emptypb.Empty, error) {
	p, err := s.find(r.ID, r.ExecID)
	if err != nil {
		return nil, err
	}
	status, _, _ := p.state()
	switch {
	case status == task.Status_STOPPED:
		return nil, errgrpc.ToGRPCf(errdefs.ErrNotFound, "process %q of container %s has ended", r.ExecID, r.ID)
	case p.spec == nil:
		s.sandbox.guest.stop()
		s.exited(p, 128+r.Signal)
	case status == task.Status_CREATED:
		s.exited(p, 128+r.Signal)
	default:
		request := protocol.SignalRequest{ProcessID: p.ProcessID, Signal: int(r.Signal)}
		if err := s.sandbox.call("Signal", request); err != nil {
			if strings.Contains(err.Error(), os.ErrProcessDone.Error()) {
				err = errdefs.ErrNotFound
			}
			return nil, errgrpc.ToGRPC(err)
		}
	}
	return &emptypb.Empty{}, nil
}

func (s *service) find(id, exec string) (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, found := s.processes[protocol.ProcessID{Container: id, Exec: exec}]; found {
		return p, nil
	}
	return nil, errgrpc.ToGRPCf(errdefs.ErrNotFound, "no process %q in container %s", exec, id)
}

// pid stands for every process of the pod: on the node there is only QEMU.
func (s *service) pid() uint32 {
	if s.sandbox == nil {
		return 0
	}
	return uint32(s.sandbox.guest.qemu.Process.Pid)
}

func (s *service) publish(topic string, event any) {
	ns, _ := namespaces.Namespace(s.ctx)
	if err := s.publisher.Publish(namespaces.WithNamespace(context.Background(), ns), topic, event); err != nil {
		log.G(s.ctx).WithError(err).Warnf("kata stand-in: publish %s", topic)
	}
}
