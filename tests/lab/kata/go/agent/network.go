package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"sort"
	"strings"

	"kata-cluster.lab/kata-stand-in/protocol"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Sandbox gives the guest the pod's host name, sysctls, addresses and routes.
func (a *Agent) Sandbox(r protocol.SandboxRequest, _ *protocol.Empty) error {
	if r.Hostname != "" {
		if err := unix.Sethostname([]byte(r.Hostname)); err != nil {
			return fmt.Errorf("set host name %q: %w", r.Hostname, err)
		}
	}
	for name, value := range r.Sysctl {
		if err := os.WriteFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), []byte(value), 0o644); err != nil {
			return fmt.Errorf("sysctl %s: %w", name, err)
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	for _, i := range r.Interfaces {
		if err := configure(i); err != nil {
			return fmt.Errorf("interface %s: %w", i.Name, err)
		}
	}
	return nil
}

func configure(want protocol.Interface) error {
	mac, err := net.ParseMAC(want.MAC)
	if err != nil {
		return err
	}
	link, err := linkByMAC(mac)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetName(link, want.Name); err != nil {
		return err
	}
	if err := netlink.LinkSetMTU(link, want.MTU); err != nil {
		return err
	}
	for _, address := range want.Addresses {
		addr, err := netlink.ParseAddr(address)
		if err != nil {
			return err
		}
		if addr.IP.To4() == nil {
			addr.Flags = unix.IFA_F_NODAD // the node's end of the pair has had it for long
		}
		if err := netlink.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("address %s: %w", address, err)
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	// Routes without a gateway first: the others need them to reach theirs.
	sort.SliceStable(want.Routes, func(i, j int) bool { return want.Routes[i].Gw == "" && want.Routes[j].Gw != "" })
	for _, r := range want.Routes {
		route := netlink.Route{LinkIndex: link.Attrs().Index, Gw: net.ParseIP(r.Gw), Src: net.ParseIP(r.Src),
			Scope: netlink.Scope(r.Scope), Flags: r.Flags}
		if r.Dst != "" {
			if _, route.Dst, err = net.ParseCIDR(r.Dst); err != nil {
				return err
			}
		}
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("route %+v: %w", r, err)
		}
	}
	return nil
}

func linkByMAC(mac net.HardwareAddr) (netlink.Link, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		if bytes.Equal(link.Attrs().HardwareAddr, mac) {
			return link, nil
		}
	}
	return nil, fmt.Errorf("no interface has MAC address %s", mac)
}
