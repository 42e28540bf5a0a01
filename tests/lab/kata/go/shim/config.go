package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/typeurl/v2"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/pelletier/go-toml/v2"
)

const defaultConfig = "/opt/kata/share/defaults/kata-containers/runtime-rs/configuration-qemu-runtime-rs.toml"

// config is the part of Kata's runtime-rs configuration that the stand-in honours; it takes no notice of other keys.
type config struct {
	Hypervisor struct {
		QEMU struct {
			Path            string `toml:"path"`
			Kernel          string `toml:"kernel"`
			Initrd          string `toml:"initrd"`
			KernelParams    string `toml:"kernel_params"`
			MachineType     string `toml:"machine_type"`
			CPUFeatures     string `toml:"cpu_features"`
			DefaultVCPUs    int    `toml:"default_vcpus"`
			DefaultMemory   int    `toml:"default_memory"`
			VirtioFSDaemon  string `toml:"virtio_fs_daemon"`
			VirtioFSCache   string `toml:"virtio_fs_cache"`
			DisableVhostNet bool   `toml:"disable_vhost_net"`
		} `toml:"qemu"`
	} `toml:"hypervisor"`
	Agent struct {
		Kata struct {
			DialTimeoutMS      int64 `toml:"dial_timeout_ms"`
			ReconnectTimeoutMS int64 `toml:"reconnect_timeout_ms"`
		} `toml:"kata"`
	} `toml:"agent"`
}

// dialTimeout is how long the guest may take to boot: Kata tries every dial_timeout_ms until reconnect_timeout_ms.
func (c *config) dialTimeout() time.Duration {
	return time.Duration(max(c.Agent.Kata.DialTimeoutMS, c.Agent.Kata.ReconnectTimeoutMS)) * time.Millisecond
}

// loadConfig reads the configuration that containerd's runtime options name and merges config.d beside it.
func loadConfig(options typeurl.Any) (*config, error) {
	path := defaultConfig
	if options != nil && len(options.GetValue()) > 0 && typeurl.Is(options, &runtimeoptions.Options{}) {
		parsed := &runtimeoptions.Options{}
		if err := typeurl.UnmarshalTo(options, parsed); err != nil {
			return nil, err
		}
		if parsed.ConfigPath != "" {
			path = parsed.ConfigPath
		}
	}
	drops, err := filepath.Glob(filepath.Join(filepath.Dir(path), "config.d", "*.toml"))
	if err != nil {
		return nil, err
	}
	c := &config{}
	for _, file := range append([]string{path}, drops...) { // Glob sorts
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := toml.Unmarshal(data, c); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	q := &c.Hypervisor.QEMU
	for key, value := range map[string]string{"path": q.Path, "kernel": q.Kernel, "initrd": q.Initrd,
		"virtio_fs_daemon": q.VirtioFSDaemon} {
		if _, err := os.Stat(value); err != nil {
			return nil, fmt.Errorf("%s: [hypervisor.qemu] %s = %q: %w", path, key, value, err)
		}
	}
	if q.DefaultMemory < 128 {
		return nil, fmt.Errorf("%s: [hypervisor.qemu] default_memory = %d: must be at least 128", path, q.DefaultMemory)
	}
	q.DefaultVCPUs = max(q.DefaultVCPUs, 1)
	return c, nil
}

// refuseAnnotations fails closed: Kata refuses hypervisor annotations that its configuration does not enable, the
// stand-in applies none at all.
func refuseAnnotations(spec *specs.Spec) error {
	for key := range spec.Annotations {
		if strings.HasPrefix(key, "io.katacontainers.config.") {
			return fmt.Errorf("annotation %s is not enabled", key)
		}
	}
	return nil
}
