package main

import (
	"context"
	"os"

	"kata-cluster.lab/kata-stand-in/protocol"

	tasks "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// State answers from the shim's memory: containerd waits two seconds at most.
func (s *service) State(_ context.Context, r *tasks.StateRequest) (*tasks.StateResponse, error) {
	p, err := s.find(r.ID, r.ExecID)
	if err != nil {
		return nil, err
	}
	status, exit, at := p.state()
	response := &tasks.StateResponse{ID: r.ID, Bundle: s.bundles[r.ID], Pid: s.pid(), Status: status, Stdin: p.stdin,
		Stdout: p.stdout, Stderr: p.stderr, Terminal: p.terminal, ExitStatus: exit, ExecID: r.ExecID}
	if status == task.Status_STOPPED {
		response.ExitedAt = timestamppb.New(at)
	}
	return response, nil
}

func (s *service) Wait(ctx context.Context, r *tasks.WaitRequest) (*tasks.WaitResponse, error) {
	p, err := s.find(r.ID, r.ExecID)
	if err != nil {
		return nil, err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return nil, errgrpc.ToGRPC(ctx.Err())
	}
	_, exit, at := p.state()
	return &tasks.WaitResponse{ExitStatus: exit, ExitedAt: timestamppb.New(at)}, nil
}

func (s *service) Pids(_ context.Context, r *tasks.PidsRequest) (*tasks.PidsResponse, error) {
	if _, err := s.find(r.ID, ""); err != nil {
		return nil, err
	}
	return &tasks.PidsResponse{Processes: []*task.ProcessInfo{{Pid: s.pid()}}}, nil
}

// Stats gives the whole guest's cgroup for each of its containers: the node cannot tell them apart.
func (s *service) Stats(_ context.Context, r *tasks.StatsRequest) (*tasks.StatsResponse, error) {
	if _, err := s.find(r.ID, ""); err != nil {
		return nil, err
	}
	metrics, err := s.sandbox.guest.cgroup.Stat()
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	data, err := typeurl.MarshalAnyToProto(metrics)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &tasks.StatsResponse{Stats: data}, nil
}

func (s *service) Connect(context.Context, *tasks.ConnectRequest) (*tasks.ConnectResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &tasks.ConnectResponse{ShimPid: uint32(os.Getpid()), TaskPid: s.pid(), Version: version}, nil
}

// Shutdown ends the shim when its last container is deleted.
func (s *service) Shutdown(context.Context, *tasks.ShutdownRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.processes) == 0 {
		s.stop.Shutdown()
	}
	return &emptypb.Empty{}, nil
}

func (s *service) ResizePty(_ context.Context, r *tasks.ResizePtyRequest) (*emptypb.Empty, error) {
	p, err := s.find(r.ID, r.ExecID)
	if err != nil {
		return nil, err
	}
	request := protocol.ResizeRequest{ProcessID: p.ProcessID, Width: r.Width, Height: r.Height}
	return &emptypb.Empty{}, errgrpc.ToGRPC(s.sandbox.call("Resize", request))
}

// CloseIO has nothing to do: stdin ends when its writer closes it.
func (s *service) CloseIO(context.Context, *tasks.CloseIORequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Update accepts the kubelet's resources and applies none: a guest has the size that the configuration gives it.
func (s *service) Update(context.Context, *tasks.UpdateTaskRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (s *service) Pause(context.Context, *tasks.PauseRequest) (*emptypb.Empty, error) {
	return nil, errgrpc.ToGRPCf(errdefs.ErrNotImplemented, "pause")
}

func (s *service) Resume(context.Context, *tasks.ResumeRequest) (*emptypb.Empty, error) {
	return nil, errgrpc.ToGRPCf(errdefs.ErrNotImplemented, "resume")
}

func (s *service) Checkpoint(context.Context, *tasks.CheckpointTaskRequest) (*emptypb.Empty, error) {
	return nil, errgrpc.ToGRPCf(errdefs.ErrNotImplemented, "checkpoint")
}
