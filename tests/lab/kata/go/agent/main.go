// The agent is the guest's only program: the kernel starts it from the initramfs as process 1. It sets the guest up,
// then serves the shim over vsock (package protocol). Started a second time as "enter" it becomes a container's process.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"kata-cluster.lab/kata-stand-in/protocol"

	"github.com/mdlayher/vsock"
	"golang.org/x/sys/unix"
)

// The first thread stays with main: goroutines that change their thread's namespaces must not have it, because
// /proc/1 shows that thread.
func init() { runtime.LockOSThread() }

func main() {
	if len(os.Args) == 2 && os.Args[1] == "enter" {
		enter()
	}
	err := boot()
	if err == nil {
		err = serve()
	}
	fmt.Println("kata stand-in agent: cannot go on, powering off:", err)
	time.Sleep(time.Second) // let the console drain
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// boot mounts the kernel's file systems, loads the modules listed in /modules/order and mounts the share.
func boot() error {
	for _, m := range [][4]string{
		{"proc", "/proc", "proc"}, {"sysfs", "/sys", "sysfs"}, {"dev", "/dev", "devtmpfs"},
		{"devpts", "/dev/pts", "devpts", "ptmxmode=0666"}, {"cgroup2", "/sys/fs/cgroup", "cgroup2"},
		{"tmpfs", "/run", "tmpfs"}, {"shm", "/run/shm", "tmpfs", "mode=1777"},
	} {
		if err := os.MkdirAll(m[1], 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m[0], m[1], m[2], 0, m[3]); err != nil {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	order, err := os.ReadFile("/modules/order")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(order)) {
		if err := loadModule("/modules/" + name); err != nil {
			return fmt.Errorf("load module %s: %w", name, err)
		}
	}
	if err := os.MkdirAll(protocol.ShareDir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(protocol.ShareTag, protocol.ShareDir, "virtiofs", 0, ""); err != nil {
		return fmt.Errorf("mount the share: %w", err)
	}
	return nil
}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.FinitModule(int(f.Fd()), "", 0)
}

func serve() error {
	agent := &Agent{processes: map[protocol.ProcessID]*process{}, streams: map[string]stream{}}
	if err := rpc.RegisterName(protocol.ServiceName, agent); err != nil {
		return err
	}
	streams, err := vsock.Listen(protocol.StreamPort, nil)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := streams.Accept()
			if err != nil {
				fmt.Println("kata stand-in agent: accept a stream:", err)
				return
			}
			go agent.addStream(conn)
		}
	}()
	calls, err := vsock.Listen(protocol.RPCPort, nil)
	if err != nil {
		return err
	}
	fmt.Println("kata stand-in agent: ready")
	for {
		conn, err := calls.Accept()
		if err != nil {
			return err
		}
		go rpc.ServeConn(conn)
	}
}

// Agent is what the shim calls.
type Agent struct {
	mu        sync.Mutex
	processes map[protocol.ProcessID]*process
	streams   map[string]stream
}

// stream is an opened connection and the reader that took its header.
type stream struct {
	net.Conn
	in *bufio.Reader
}

func (a *Agent) addStream(conn net.Conn) {
	in := bufio.NewReader(conn)
	header, err := in.ReadString('\n')
	if err != nil {
		conn.Close()
		return
	}
	a.mu.Lock()
	a.streams[strings.TrimSuffix(header, "\n")] = stream{conn, in}
	a.mu.Unlock()
	_, _ = conn.Write([]byte{'\n'})
}

func (a *Agent) takeStream(id protocol.ProcessID, name string) (stream, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := protocol.StreamHeader(id, name)
	s, found := a.streams[key]
	delete(a.streams, key)
	return s, found
}
