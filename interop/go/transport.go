package main

import (
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const bindAttempts = 10

// transport is memberlist's own network transport, with two additions. It can lose every packet to some addresses, and
// it can advertise the loopback address in the 16-byte form that memberlist uses for an interface's address when it is
// bound to 0.0.0.0, so that this form is tested without leaving the machine.
type transport struct {
	*memberlist.NetTransport
	wide bool

	mu   sync.Mutex
	lost []string
}

// newTransport binds as memberlist does without one: port 0 means that a port free for TCP is also tried for UDP.
func newTransport(conf *memberlist.Config, wide bool) (*transport, error) {
	var inner *memberlist.NetTransport
	var err error
	for range bindAttempts {
		inner, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{conf.BindAddr}, BindPort: conf.BindPort, Logger: conf.Logger,
		})
		if err == nil || conf.BindPort != 0 {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	conf.BindPort = inner.GetAutoBindPort()
	conf.AdvertisePort = conf.BindPort
	t := &transport{NetTransport: inner, wide: wide}
	conf.Transport = t
	return t, nil
}

func (t *transport) FinalAdvertiseAddr(ip string, port int) (net.IP, int, error) {
	if t.wide && ip == "" {
		return net.IPv4(127, 0, 0, 1), t.GetAutoBindPort(), nil
	}
	return t.NetTransport.FinalAdvertiseAddr(ip, port)
}

func (t *transport) WriteToAddress(packet []byte, to memberlist.Address) (time.Time, error) {
	if t.loses(to.Addr) {
		return time.Now(), nil
	}
	return t.NetTransport.WriteToAddress(packet, to)
}

func (t *transport) lose(addrs []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost = addrs
}

func (t *transport) loses(addr string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.lost, addr)
}
