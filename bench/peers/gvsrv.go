// SPDX-License-Identifier: BSD-2-Clause
// gVisor's netstack on TAP: the same protocol as the other servers. SIGUSR1 prints its memory.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/link/tun"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

var resp = []byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
var z = make([]byte, 65536)

func serve(c net.Conn) {
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil || n == 0 {
			c.Close()
			return
		}
		if bytes.HasPrefix(b[:n], []byte("PUT /sin")) {
			bb := make([]byte, 65536)
			for {
				if _, err := c.Read(bb); err != nil {
					c.Close()
					return
				}
			}
		}
		if bytes.HasPrefix(b[:n], []byte("GET /bul")) {
			for {
				if _, err := c.Write(z); err != nil {
					c.Close()
					return
				}
			}
		}
		if _, err := c.Write(resp); err != nil {
			c.Close()
			return
		}
		if bytes.Contains(b[:n], []byte("Connection: close")) {
			c.Close()
			return
		}
	}
}
func check(e tcpip.Error) {
	if e != nil {
		panic(e.String())
	}
}
func main() {
	dev, ip, gw := "tapG", "10.9.2.2", "10.9.2.1"
	if len(os.Args) > 3 {
		dev, ip, gw = os.Args[1], os.Args[2], os.Args[3]
	}
	fd, err := tun.OpenTAP(dev)
	if err != nil {
		panic(err)
	}
	if o, err := exec.Command("sh", "-c", fmt.Sprintf("ip addr add %s/24 dev %s; ip link set %s up txqueuelen 10000", gw, dev, dev)).CombinedOutput(); err != nil {
		panic(string(o))
	}
	s := stack.New(stack.Options{NetworkProtocols: []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol}, TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol}})
	mac, _ := net.ParseMAC("02:00:00:00:00:03")
	ep, err := fdbased.New(&fdbased.Options{FDs: []int{fd}, MTU: 1500, EthernetHeader: true, Address: tcpip.LinkAddress(mac)})
	if err != nil {
		panic(err)
	}
	check(s.CreateNIC(1, ep))
	a := tcpip.Address(net.ParseIP(ip).To4())
	check(s.AddProtocolAddress(1, tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{Address: a, PrefixLen: 24}}, stack.AddressProperties{}))
	s.SetRouteTable([]tcpip.Route{{Destination: tcpip.AddressWithPrefix{Address: a, PrefixLen: 24}.Subnet(), NIC: 1}, {Destination: header.IPv4EmptySubnet, Gateway: tcpip.Address(net.ParseIP(gw).To4()), NIC: 1}})
	// Linux-like buffers + SACK (netstack defaults are small / SACK off)
	sack := tcpip.TCPSACKEnabled(true)
	check(s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack))
	rb := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4096, Default: 131072, Max: 6 << 20}
	check(s.SetTransportProtocolOption(tcp.ProtocolNumber, &rb))
	sb := tcpip.TCPSendBufferSizeRangeOption{Min: 4096, Default: 131072, Max: 6 << 20}
	check(s.SetTransportProtocolOption(tcp.ProtocolNumber, &sb))
	mod := tcpip.TCPModerateReceiveBufferOption(true)
	check(s.SetTransportProtocolOption(tcp.ProtocolNumber, &mod))
	l, err := gonet.ListenTCP(s, tcpip.FullAddress{NIC: 1, Addr: a, Port: 80}, ipv4.ProtocolNumber)
	if err != nil {
		panic(err)
	}
	ch := make(chan os.Signal, 4)
	signal.Notify(ch, syscall.SIGUSR1)
	go func() {
		for range ch {
			runtime.GC()
			debug.FreeOSMemory()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			fmt.Fprintf(os.Stderr, "heapalloc=%d stack=%d sys=%d goroutines=%d est=%d estreset=%d segsin=%d\n", m.HeapAlloc, m.StackInuse, m.Sys, runtime.NumGoroutine(), s.Stats().TCP.CurrentEstablished.Value(), s.Stats().TCP.EstablishedResets.Value(), s.Stats().TCP.ValidSegmentsReceived.Value())
		}
	}()
	fmt.Fprintln(os.Stderr, "ready")
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go serve(c)
	}
}
