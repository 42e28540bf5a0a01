package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"kata-cluster.lab/kata-stand-in/protocol"

	"github.com/containerd/cgroups/v3/cgroup2"
	"golang.org/x/sys/unix"
)

// guest is a pod's virtual machine: QEMU and the virtiofsd that serves its share.
type guest struct {
	dir             string
	cid             uint32
	qemu, virtiofsd *exec.Cmd
	cgroup          *cgroup2.Manager
	exited          chan struct{} // closed when QEMU has ended
}

func cgroupOf(sandboxID string) string { return "/kata_overhead/" + sandboxID }

// startGuest starts a sandbox's virtual machine; it takes over the taps.
func startGuest(c *config, sandboxID string, nics []nic) (*guest, error) {
	g := &guest{dir: filepath.Join(runDir, sandboxID), cid: 3 + rand.Uint32N(1<<31), exited: make(chan struct{})}
	var err error
	if g.cgroup, err = cgroup2.NewManager("/sys/fs/cgroup", cgroupOf(sandboxID), &cgroup2.Resources{}); err != nil {
		return nil, fmt.Errorf("cgroup: %w", err)
	}
	controllers, err := g.cgroup.RootControllers()
	if err == nil {
		err = g.cgroup.ToggleControllers(controllers, cgroup2.Enable) // for Stats
	}
	if err != nil {
		return nil, fmt.Errorf("cgroup: %w", err)
	}
	q := &c.Hypervisor.QEMU
	socket := filepath.Join(g.dir, "fs.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	listener.SetUnlinkOnClose(false)
	listening, err := listener.File()
	if err != nil {
		return nil, err
	}
	defer listening.Close()
	// In a chroot instead of a mount namespace virtiofsd sees each later mount in the share.
	g.virtiofsd = exec.Command(q.VirtioFSDaemon, "--fd=3", "-o", "source="+sharedDir(sandboxID),
		"-o", "sandbox=chroot", "-o", "announce_submounts", "-o", "cache="+q.VirtioFSCache, "--thread-pool-size=1", "-f")
	g.virtiofsd.ExtraFiles = []*os.File{listening}
	if err := g.run(g.virtiofsd, "virtiofsd"); err != nil {
		return nil, err
	}
	go func() { _ = g.virtiofsd.Wait() }()

	memory := strconv.Itoa(q.DefaultMemory) + "M"
	args := []string{
		"-name", "sandbox-" + sandboxID + ",debug-threads=on",
		"-machine", q.MachineType + ",accel=kvm,memory-backend=ram,sata=off,smbus=off,usb=off",
		"-cpu", "host" + prefixed(",", q.CPUFeatures), "-smp", strconv.Itoa(q.DefaultVCPUs),
		"-m", memory, "-object", "memory-backend-memfd,id=ram,share=on,size=" + memory, // virtiofsd maps it too
		"-L", filepath.Join(filepath.Dir(q.Path), "../share/kata-qemu/qemu"), "-nodefaults", "-no-user-config", "-nographic", "-no-reboot",
		"-kernel", q.Kernel, "-initrd", q.Initrd,
		"-append", "console=ttyS0 quiet panic=1 no_timer_check agent.log=info" + prefixed(" ", q.KernelParams),
		"-serial", "file:" + filepath.Join(g.dir, "console.log"),
		"-device", "virtio-rng-pci",
		"-device", fmt.Sprintf("vhost-vsock-pci,guest-cid=%d", g.cid),
		"-chardev", "socket,id=share,path=" + socket,
		"-device", "vhost-user-fs-pci,chardev=share,tag=" + protocol.ShareTag,
	}
	vhost := "on"
	if q.DisableVhostNet {
		vhost = "off"
	}
	g.qemu = exec.Command(q.Path)
	for i, n := range nics {
		g.qemu.ExtraFiles = append(g.qemu.ExtraFiles, n.tap)
		args = append(args, "-netdev", fmt.Sprintf("tap,id=net%d,fd=%d,vhost=%s", i, 3+i, vhost),
			"-device", fmt.Sprintf("virtio-net-pci,netdev=net%d,mac=%s,romfile=", i, n.MAC))
	}
	g.qemu.Args = append(g.qemu.Args, args...)
	if err := g.run(g.qemu, "qemu"); err != nil {
		return nil, err
	}
	go func() {
		_ = g.qemu.Wait()
		close(g.exited)
	}()
	return g, nil
}

func prefixed(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

// run starts one of the guest's two processes in the guest's cgroup, with its log and pid file in the sandbox's directory.
func (g *guest) run(cmd *exec.Cmd, name string) error {
	log, err := os.Create(filepath.Join(g.dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cgroup, err := os.Open(filepath.Join("/sys/fs/cgroup", cgroupOf(filepath.Base(g.dir))))
	if err != nil {
		return err
	}
	defer cgroup.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(cgroup.Fd())}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return os.WriteFile(filepath.Join(g.dir, name+".pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644)
}

// whyDead gathers the last words of a guest that did not come up.
func (g *guest) whyDead() string {
	var words []string
	for _, name := range []string{"qemu.log", "virtiofsd.log", "console.log"} {
		text, _ := os.ReadFile(filepath.Join(g.dir, name))
		if len(text) > 600 {
			text = text[len(text)-600:]
		}
		if s := strings.TrimSpace(string(text)); s != "" {
			words = append(words, name+": "+s)
		}
	}
	return strings.Join(words, "; ")
}

// stop ends the guest at once. Nothing is lost: virtio-fs keeps no written data in the guest.
func (g *guest) stop() {
	_ = g.qemu.Process.Kill()
	<-g.exited
}

// removeSandbox removes everything that a sandbox has on the node; it needs no running shim.
func removeSandbox(sandboxID string) error {
	dir := filepath.Join(runDir, sandboxID)
	for _, name := range []string{"qemu", "virtiofsd"} {
		text, err := os.ReadFile(filepath.Join(dir, name+".pid"))
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(string(text))
		if err != nil {
			return err
		}
		// The number may long be another's.
		if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.Contains(string(args), sandboxID) {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	if err := removeMounted(dir); err != nil {
		return err
	}
	cgroup, err := cgroup2.Load(cgroupOf(sandboxID))
	if err != nil {
		return err
	}
	if err := cgroup.Delete(); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
