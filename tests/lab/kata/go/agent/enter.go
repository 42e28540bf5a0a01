package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	securejoin "github.com/cyphar/filepath-securejoin"
	"github.com/moby/sys/capability"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// entry tells "enter" what to become: a new container's first process, or a further one beside the process JoinPID.
type entry struct {
	Container *specs.Spec    `json:",omitempty"`
	JoinPID   int            `json:",omitempty"`
	Process   *specs.Process `json:",omitempty"`
}

// enter runs in the new process's namespaces: it reads its entry on descriptor 3, moves into the container's root and
// becomes the program. Descriptor 4 takes the reason of a failure; it closes by itself when the program starts.
func enter() {
	unix.CloseOnExec(4)
	var e entry
	err := json.NewDecoder(os.NewFile(3, "entry")).Decode(&e)
	unix.CloseOnExec(3)
	if err == nil && e.Container != nil {
		err = enterNewRoot(e.Container)
	} else if err == nil {
		err = joinMounts(e.JoinPID)
	}
	if err == nil {
		err = become(e.Process)
	}
	fmt.Fprint(os.NewFile(4, "failure"), err)
	os.Exit(127)
}

func joinMounts(pid int) error {
	f, err := os.Open(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // a shared root directory forbids the change
		return err
	}
	return unix.Setns(int(f.Fd()), unix.CLONE_NEWNS)
}

// enterNewRoot makes the container's mounts in the new mount namespace and moves its root file system over /.
func enterNewRoot(spec *specs.Spec) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	root := spec.Root.Path
	if err := unix.Mount(root, root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("root file system %s: %w", root, err)
	}
	for _, m := range spec.Mounts {
		if err := mountInto(root, m); err != nil {
			return fmt.Errorf("mount %s: %w", m.Destination, err)
		}
		if m.Destination == "/dev" {
			if err := makeDevices(filepath.Join(root, "dev")); err != nil {
				return err
			}
		}
	}
	if spec.Root.Readonly {
		if err := unix.Mount("", root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			return fmt.Errorf("make the root file system read-only: %w", err)
		}
	}
	if err := unix.Chdir(root); err != nil {
		return err
	}
	if err := unix.Mount(root, "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root file system: %w", err)
	}
	return unix.Chroot(".")
}

func mountInto(root string, m specs.Mount) error {
	target, err := securejoin.SecureJoin(root, m.Destination)
	if err != nil {
		return err
	}
	options := []string{}
	for _, o := range m.Options {
		if !strings.HasSuffix(o, "private") && !strings.HasSuffix(o, "slave") && !strings.HasSuffix(o, "shared") {
			options = append(options, o) // propagation to the node ends at the guest
		}
	}
	if m.Type == "cgroup" {
		m.Type, options = "cgroup2", []string{"ro", "nosuid", "noexec", "nodev"}
	}
	info, err := os.Stat(m.Source)
	if m.Type == "bind" && err == nil && !info.IsDir() {
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(target, os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		f.Close()
	} else if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	return (&mount.Mount{Type: m.Type, Source: m.Source, Options: options}).Mount(target)
}

func makeDevices(dev string) error {
	unix.Umask(0)
	defer unix.Umask(0o022)
	for name, number := range map[string][2]uint32{
		"null": {1, 3}, "zero": {1, 5}, "full": {1, 7}, "random": {1, 8}, "urandom": {1, 9}, "tty": {5, 0},
	} {
		device := int(unix.Mkdev(number[0], number[1]))
		if err := unix.Mknod(filepath.Join(dev, name), unix.S_IFCHR|0o666, device); err != nil {
			return fmt.Errorf("device %s: %w", name, err)
		}
	}
	for name, to := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd",
		"stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(to, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return nil
}

// become gives up what the OCI process does not have and executes its program; it returns only on failure.
func become(p *specs.Process) error {
	if err := unix.Chdir(p.Cwd); err != nil {
		if err := os.MkdirAll(p.Cwd, 0o755); err != nil {
			return err
		}
		if err := unix.Chdir(p.Cwd); err != nil {
			return fmt.Errorf("working directory %s: %w", p.Cwd, err)
		}
	}
	for _, limit := range p.Rlimits {
		if resource, known := map[string]int{"RLIMIT_NOFILE": unix.RLIMIT_NOFILE, "RLIMIT_CORE": unix.RLIMIT_CORE,
			"RLIMIT_NPROC": unix.RLIMIT_NPROC}[limit.Type]; known {
			if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit.Soft, Max: limit.Hard}); err != nil {
				return fmt.Errorf("%s: %w", limit.Type, err)
			}
		}
	}
	if err := dropBoundingSet(p.Capabilities); err != nil {
		return err
	}
	groups := []int{}
	for _, g := range p.User.AdditionalGids {
		groups = append(groups, int(g))
	}
	if err := unix.Setgroups(groups); err != nil {
		return err
	}
	if err := unix.Setresgid(int(p.User.GID), int(p.User.GID), int(p.User.GID)); err != nil {
		return err
	}
	if err := unix.Setresuid(int(p.User.UID), int(p.User.UID), int(p.User.UID)); err != nil {
		return err
	}
	if p.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	program, err := lookPath(p.Args[0], p.Env)
	if err != nil {
		return err
	}
	return fmt.Errorf("exec %s: %w", program, unix.Exec(program, p.Args, p.Env))
}

// dropBoundingSet leaves only what the container may have; a root process gets just that when it is executed, another
// user's process gets nothing.
func dropBoundingSet(allowed *specs.LinuxCapabilities) error {
	keep := map[string]bool{}
	if allowed != nil {
		for _, name := range allowed.Bounding {
			keep[name] = true
		}
	}
	for _, c := range capability.ListKnown() {
		if keep["CAP_"+strings.ToUpper(c.String())] {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && err != unix.EINVAL {
			return fmt.Errorf("drop capability %s: %w", c, err)
		}
	}
	return nil
}

func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, e := range env {
		if value, found := strings.CutPrefix(e, "PATH="); found {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		candidate := filepath.Join(dir, name)
		if info, err := os.Stat(candidate); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}
