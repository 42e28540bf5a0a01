package main

import (
	"fmt"
	"os"
	"runtime"

	"kata-cluster.lab/kata-stand-in/protocol"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// nic is one interface of the pod and the open tap that carries it into the guest. The tap ends with its descriptor.
type nic struct {
	protocol.Interface
	tap *os.File
}

// connectNetwork joins each interface of the sandbox's network namespace to a new tap.
func connectNetwork(spec *specs.Spec) ([]nic, error) {
	path := ""
	for _, ns := range spec.Linux.Namespaces {
		if ns.Type == specs.NetworkNamespace {
			path = ns.Path
		}
	}
	if path == "" {
		return nil, nil
	}
	type result struct {
		nics []nic
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // the thread ends in the pod's namespace, with this goroutine
		nics, err := connectLinks(path)
		done <- result{nics, err}
	}()
	r := <-done
	return r.nics, r.err
}

func connectLinks(namespace string) ([]nic, error) {
	f, err := os.Open(namespace)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("enter %s: %w", namespace, err)
	}
	links, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	var nics []nic
	for _, link := range links {
		n, err := describe(link)
		if err != nil {
			return nics, err
		}
		if link.Attrs().Name == "lo" || len(n.Addresses) == 0 {
			continue
		}
		if n.tap, err = openTap(fmt.Sprintf("tap%d_kata", len(nics))); err != nil {
			return nics, err
		}
		nics = append(nics, n)
		if err := joinToTap(link, fmt.Sprintf("tap%d_kata", len(nics)-1)); err != nil {
			return nics, fmt.Errorf("join %s to its tap: %w", n.Name, err)
		}
	}
	return nics, nil
}

func describe(link netlink.Link) (nic, error) {
	attrs := link.Attrs()
	n := nic{Interface: protocol.Interface{Name: attrs.Name, MAC: attrs.HardwareAddr.String(), MTU: attrs.MTU}}
	addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return n, err
	}
	for _, a := range addrs {
		if !a.IP.IsLinkLocalUnicast() {
			n.Addresses = append(n.Addresses, a.IPNet.String())
		}
	}
	routes, err := netlink.RouteList(link, netlink.FAMILY_ALL)
	if err != nil {
		return n, err
	}
	for _, r := range routes {
		if r.Protocol == unix.RTPROT_KERNEL { // follows from the address
			continue
		}
		route := protocol.Route{Scope: int(r.Scope), Flags: r.Flags & int(netlink.FLAG_ONLINK)}
		if r.Dst != nil && !r.Dst.IP.IsUnspecified() {
			route.Dst = r.Dst.String()
		}
		if r.Gw != nil {
			route.Gw = r.Gw.String()
		}
		if r.Src != nil {
			route.Src = r.Src.String()
		}
		n.Routes = append(n.Routes, route)
	}
	return n, nil
}

func openTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// joinToTap sends what comes in on one side out on the other, past the namespace's own network stack.
func joinToTap(link netlink.Link, name string) error {
	tap, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetMTU(tap, link.Attrs().MTU); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(tap); err != nil {
		return err
	}
	for _, pair := range [][2]netlink.Link{{link, tap}, {tap, link}} {
		from, to := pair[0].Attrs().Index, pair[1].Attrs().Index
		ingress := &netlink.Ingress{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: from, Parent: netlink.HANDLE_INGRESS}}
		if err := netlink.QdiscAdd(ingress); err != nil {
			return fmt.Errorf("ingress qdisc: %w", err)
		}
		filter := &netlink.U32{
			FilterAttrs: netlink.FilterAttrs{LinkIndex: from, Parent: netlink.MakeHandle(0xffff, 0), Priority: 1,
				Protocol: unix.ETH_P_ALL},
			Actions: []netlink.Action{netlink.NewMirredAction(to)},
		}
		if err := netlink.FilterAdd(filter); err != nil {
			return fmt.Errorf("redirect filter: %w", err)
		}
	}
	return nil
}
