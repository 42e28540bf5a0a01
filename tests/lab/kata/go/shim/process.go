package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"kata-cluster.lab/kata-stand-in/protocol"

	"github.com/containerd/containerd/api/types/task"
	"github.com/containerd/log"
)

// process is what containerd knows of a process in the guest, or of a sandbox's guest itself (spec is nil).
type process struct {
	protocol.ProcessID
	spec                  any // the OCI specification of a container, or the OCI process of an exec
	stdin, stdout, stderr string
	terminal              bool

	mu       sync.Mutex
	status   task.Status
	exit     uint32
	exitedAt time.Time
	done     chan struct{}
}

func (p *process) state() (task.Status, uint32, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status, p.exit, p.exitedAt
}

func (p *process) running() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status == task.Status_CREATED {
		p.status = task.Status_RUNNING
	}
}

// ended records the exit; the first report counts.
func (p *process) ended(status uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status == task.Status_STOPPED {
		return false
	}
	p.status, p.exit, p.exitedAt = task.Status_STOPPED, status, time.Now()
	close(p.done)
	return true
}

// start runs the process in the guest and returns its output's end.
func (p *process) start(s *sandbox) (drained *sync.WaitGroup, err error) {
	drained = &sync.WaitGroup{}
	conns := map[string]net.Conn{}
	defer func() {
		if err != nil {
			for _, conn := range conns {
				conn.Close()
			}
		}
	}()
	files := map[string]string{"stdin": p.stdin, "stdout": p.stdout, "stderr": p.stderr}
	if p.terminal {
		delete(files, "stderr")
	}
	for name, path := range files {
		if path == "" {
			continue
		}
		if conns[name], err = s.openStream(p.ProcessID, name); err != nil {
			return nil, err
		}
		if name == "stdin" {
			go copyIn(conns[name], path)
			continue
		}
		// Open for both directions: that never waits for a reader, and a reader that comes and goes breaks nothing.
		fifo, err := os.OpenFile(path, os.O_RDWR|syscall.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		drained.Go(func() {
			_, _ = io.Copy(fifo, conns[name])
			fifo.Close()
		})
	}
	spec, err := json.Marshal(p.spec)
	if err != nil {
		return nil, err
	}
	request := protocol.StartRequest{ProcessID: p.ProcessID, Spec: spec, Terminal: p.terminal}
	return drained, s.call("Start", request)
}

func copyIn(conn net.Conn, path string) {
	defer conn.Close()
	fifo, err := os.Open(path) // waits for the writer
	if err != nil {
		return
	}
	defer fifo.Close()
	_, _ = io.Copy(conn, fifo)
}

// wait returns the exit status when the process has ended and its output is with containerd.
func (p *process) wait(ctx context.Context, s *sandbox, drained *sync.WaitGroup) uint32 {
	status := 0
	if err := s.agent.Call(protocol.ServiceName+".Wait", p.ProcessID, &status); err != nil {
		log.G(ctx).WithError(err).Warnf("kata stand-in: guest of sandbox %s is gone", s.id)
		return 128 + uint32(syscall.SIGKILL)
	}
	drained.Wait()
	return uint32(status)
}
