package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"kata-cluster.lab/kata-stand-in/protocol"

	"github.com/containerd/console"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// process is a container's first process or one started in it later.
type process struct {
	cmd      *exec.Cmd
	terminal console.Console
	done     chan struct{}
	end      sync.Once
	status   int
}

// Start starts a process and returns when its program runs, or says why it does not.
func (a *Agent) Start(r protocol.StartRequest, _ *protocol.Empty) error {
	plan := entry{}
	if r.Exec == "" {
		plan.Container = &specs.Spec{}
		if err := json.Unmarshal(r.Spec, plan.Container); err != nil {
			return err
		}
		plan.Process = plan.Container.Process
	} else {
		first, err := a.find(protocol.ProcessID{Container: r.Container})
		if err != nil {
			return err
		}
		plan.JoinPID = first.cmd.Process.Pid
		if err := json.Unmarshal(r.Spec, &plan.Process); err != nil {
			return err
		}
	}
	p := &process{cmd: exec.Command("/proc/self/exe", "enter"), done: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	p.cmd.WaitDelay = 5 * time.Second // a child left behind may hold the streams for ever
	closeAfterStart, err := a.connect(r, p)
	if err != nil {
		return err
	}
	err = p.start(plan)
	for _, f := range closeAfterStart {
		f.Close()
	}
	if err != nil {
		p.finish()
		return err
	}
	a.mu.Lock()
	a.processes[r.ProcessID] = p
	a.mu.Unlock()
	return nil
}

// connect gives the process its opened streams, through a terminal if it wants one.
func (a *Agent) connect(r protocol.StartRequest, p *process) (closeAfterStart []io.Closer, err error) {
	in, hasIn := a.takeStream(r.ProcessID, "stdin")
	out, hasOut := a.takeStream(r.ProcessID, "stdout")
	if r.Terminal {
		master, slavePath, err := console.NewPty()
		if err != nil {
			return nil, err
		}
		slave, err := os.OpenFile(slavePath, os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			return nil, err
		}
		p.terminal = master
		p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
		p.cmd.SysProcAttr.Setctty = true
		if hasIn {
			go func() { _, _ = io.Copy(master, in.in) }()
		}
		if hasOut {
			go func() { _, _ = io.Copy(out, master); out.Close(); master.Close() }()
		}
		return []io.Closer{slave}, nil
	}
	if hasIn {
		stdin, err := p.cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		go func() { _, _ = io.Copy(stdin, in.in); stdin.Close(); in.Close() }()
	}
	if hasOut {
		p.cmd.Stdout = out.Conn
	}
	if stderr, found := a.takeStream(r.ProcessID, "stderr"); found {
		p.cmd.Stderr = stderr.Conn
	}
	return nil, nil
}

// start runs "enter" with its plan and waits until it has become the wanted program.
func (p *process) start(plan entry) error {
	planIn, planOut, err := os.Pipe()
	if err != nil {
		return err
	}
	failureIn, failureOut, err := os.Pipe()
	if err != nil {
		return err
	}
	defer failureIn.Close()
	p.cmd.ExtraFiles = []*os.File{planIn, failureOut}
	if plan.JoinPID == 0 {
		p.cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID
		err = p.cmd.Start()
	} else {
		err = startInPIDNamespace(p.cmd, plan.JoinPID)
	}
	planIn.Close()
	failureOut.Close()
	if err != nil {
		planOut.Close()
		return err
	}
	go func() {
		p.status = exitStatus(p.cmd.Wait())
		p.finish()
	}()
	err = json.NewEncoder(planOut).Encode(plan)
	planOut.Close()
	if failure, _ := io.ReadAll(failureIn); len(failure) > 0 {
		<-p.done
		return fmt.Errorf("%s", failure)
	}
	return err
}

// startInPIDNamespace starts cmd from a thread of its own that has joined the namespace and ends with its goroutine.
func startInPIDNamespace(cmd *exec.Cmd, pid int) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/pid", pid))
		if err == nil {
			defer f.Close()
			if err = unix.Setns(int(f.Fd()), unix.CLONE_NEWPID); err == nil {
				err = cmd.Start()
			}
		}
		result <- err
	}()
	return <-result
}

// finish closes the streams, which tells the shim that nothing more comes, and reports the exit.
func (p *process) finish() {
	p.end.Do(func() {
		for _, w := range []io.Writer{p.cmd.Stdout, p.cmd.Stderr} {
			if c, ok := w.(io.Closer); ok && p.terminal == nil {
				c.Close()
			}
		}
		close(p.done)
	})
}

func exitStatus(err error) int {
	exit, ok := err.(*exec.ExitError)
	if !ok {
		return 0 // only the streams can have failed
	}
	if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

func (a *Agent) find(id protocol.ProcessID) (*process, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p, found := a.processes[id]; found {
		return p, nil
	}
	return nil, fmt.Errorf("no process %q in container %q", id.Exec, id.Container)
}

// Wait returns a process's exit status when it has ended.
func (a *Agent) Wait(id protocol.ProcessID, status *int) error {
	p, err := a.find(id)
	if err != nil {
		return err
	}
	<-p.done
	*status = p.status
	return nil
}

// Signal sends a signal to a process that still runs.
func (a *Agent) Signal(r protocol.SignalRequest, _ *protocol.Empty) error {
	p, err := a.find(r.ProcessID)
	if err != nil {
		return err
	}
	return p.cmd.Process.Signal(syscall.Signal(r.Signal))
}

// Resize sets the size of a process's terminal.
func (a *Agent) Resize(r protocol.ResizeRequest, _ *protocol.Empty) error {
	p, err := a.find(r.ProcessID)
	if err != nil || p.terminal == nil {
		return err
	}
	return p.terminal.Resize(console.WinSize{Width: uint16(r.Width), Height: uint16(r.Height)})
}

// Remove forgets a process.
func (a *Agent) Remove(id protocol.ProcessID, _ *protocol.Empty) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.processes, id)
	return nil
}
