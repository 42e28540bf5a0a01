package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"kata-cluster.lab/kata-stand-in/protocol"

	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/v2/core/mount"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// runDir holds a directory for each sandbox: the share, and the socket, pid files, logs and console of its guest. Its name
// is short because a socket's path must have fewer than 108 characters.
const runDir = "/run/kata-containers"

func sharedDir(sandboxID string) string { return filepath.Join(runDir, sandboxID, "shared") }

// share mounts a container's root file system and volumes below the sandbox's share and returns its specification with
// the sources as the guest sees them.
func share(sandboxID, id, bundle string, rootfs []*types.Mount, spec *specs.Spec) error {
	host := filepath.Join(sharedDir(sandboxID), id)
	guest := filepath.Join(protocol.ShareDir, id)
	target := filepath.Join(host, "rootfs")
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if len(rootfs) > 0 {
		for _, m := range rootfs {
			if err := (&mount.Mount{Type: m.Type, Source: m.Source, Options: m.Options}).Mount(target); err != nil {
				return fmt.Errorf("root file system: %w", err)
			}
		}
	} else {
		source := spec.Root.Path
		if !filepath.IsAbs(source) {
			source = filepath.Join(bundle, source)
		}
		if err := bindSlave(source, target); err != nil {
			return fmt.Errorf("root file system %s: %w", source, err)
		}
	}
	spec.Root.Path = filepath.Join(guest, "rootfs")

	for i := range spec.Mounts {
		m := &spec.Mounts[i]
		if m.Type != "bind" && !slices.Contains(m.Options, "bind") && !slices.Contains(m.Options, "rbind") {
			continue // the guest's kernel has these
		}
		m.Type = "bind"
		if m.Destination == "/dev/shm" {
			m.Source = "/run/shm" // shared memory cannot reach over the guest's border: its containers share the guest's
			continue
		}
		name := strconv.Itoa(i)
		if err := bind(m.Source, filepath.Join(host, name), slices.Contains(m.Options, "ro")); err != nil {
			return fmt.Errorf("mount %s of %s: %w", m.Destination, m.Source, err)
		}
		m.Source = filepath.Join(guest, name)
	}
	return nil
}

func bind(source, target string, readOnly bool) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.Mkdir(target, 0o755)
	} else {
		err = os.WriteFile(target, nil, 0o644)
	}
	if err != nil {
		return err
	}
	if err := bindSlave(source, target); err != nil || !readOnly {
		return err
	}
	// Not only in the guest: what a guest may not change, it must not be able to change.
	return unix.MountSetattr(unix.AT_FDCWD, target, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

// bindSlave binds a tree so that later mounts in it are seen here, but unmounting here leaves the source alone.
func bindSlave(source, target string) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.Mount("", target, "", unix.MS_SLAVE|unix.MS_REC, "")
}

// unshare takes a container's mounts away again. The guest may still hold files in them, so the mounts are detached.
func unshare(sandboxID, id string) error {
	return removeMounted(filepath.Join(sharedDir(sandboxID), id))
}

// removeMounted detaches every mount below dir, then removes dir; it never follows a mount that it could not detach.
func removeMounted(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	lines := strings.Split(string(mounts), "\n")
	slices.Reverse(lines) // the newest first
	var failures []error
	for _, line := range lines {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			failures = append(failures, unix.Unmount(fields[1], unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
		}
	}
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("detach the mounts below %s: %w", dir, err)
	}
	return os.RemoveAll(dir)
}
