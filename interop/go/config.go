package main

import (
	"encoding/json"
	"log"
	"net"
	"os"
	"time"

	"github.com/hashicorp/memberlist"
)

// startRequest is the node's configuration. Absent fields keep the value of memberlist's Local preset; byte strings are
// base64, durations whole milliseconds.
type startRequest struct {
	Name             string    `json:"name"`
	BindAddress      *string   `json:"bindAddress"`
	BindPort         int       `json:"bindPort"`
	AdvertiseAddress string    `json:"advertiseAddress"`
	WideAddress      bool      `json:"wideAddress"`
	Label            string    `json:"label"`
	SecretKey        []byte    `json:"secretKey"`
	Compression      *bool     `json:"compression"`
	ProtocolVersion  *uint8    `json:"protocolVersion"`
	Meta             []byte    `json:"meta"`
	AckPayload       []byte    `json:"ackPayload"`
	UserState        *generate `json:"userState"`
	UDPBufferSize    *int      `json:"udpBufferSize"`
	SuspicionMult    *int      `json:"suspicionMult"`
	IndirectChecks   *int      `json:"indirectChecks"`
	DisableTCPPings  bool      `json:"disableTcpPings"`

	ProbeIntervalMs    *int `json:"probeIntervalMs"`
	ProbeTimeoutMs     *int `json:"probeTimeoutMs"`
	GossipIntervalMs   *int `json:"gossipIntervalMs"`
	PushPullIntervalMs *int `json:"pushPullIntervalMs"`
	TCPTimeoutMs       *int `json:"tcpTimeoutMs"`
}

// wideTransport advertises IPv4 addresses in their 16-byte form, which is what memberlist itself does when it is bound to
// 0.0.0.0 and picks an interface's address: here with the loopback address, so that no test leaves the machine.
type wideTransport struct{ *memberlist.NetTransport }

func (t wideTransport) FinalAdvertiseAddr(ip string, port int) (net.IP, int, error) {
	if ip == "" {
		return net.IPv4(127, 0, 0, 1), t.GetAutoBindPort(), nil
	}
	return t.NetTransport.FinalAdvertiseAddr(ip, port)
}

func set[T any](target *T, value *T) {
	if value != nil {
		*target = *value
	}
}

func setMillis(target *time.Duration, value *int) {
	if value != nil {
		*target = time.Duration(*value) * time.Millisecond
	}
}

func start(raw []byte, out *output) (*Peer, any, error) {
	var req startRequest
	if err := json.Unmarshal(raw, &req); err != nil {
		return nil, nil, err
	}
	conf := memberlist.DefaultLocalConfig()
	conf.Name = req.Name
	conf.BindAddr = "127.0.0.1"
	conf.BindPort = req.BindPort
	conf.AdvertiseAddr = req.AdvertiseAddress
	conf.AdvertisePort = req.BindPort
	conf.Label = req.Label
	conf.SecretKey = req.SecretKey
	conf.DisableTcpPings = req.DisableTCPPings
	conf.Logger = log.New(os.Stderr, "", log.Lmicroseconds)
	set(&conf.BindAddr, req.BindAddress)
	set(&conf.EnableCompression, req.Compression)
	set(&conf.ProtocolVersion, req.ProtocolVersion)
	set(&conf.UDPBufferSize, req.UDPBufferSize)
	set(&conf.SuspicionMult, req.SuspicionMult)
	set(&conf.IndirectChecks, req.IndirectChecks)
	setMillis(&conf.ProbeInterval, req.ProbeIntervalMs)
	setMillis(&conf.ProbeTimeout, req.ProbeTimeoutMs)
	setMillis(&conf.GossipInterval, req.GossipIntervalMs)
	setMillis(&conf.PushPullInterval, req.PushPullIntervalMs)
	setMillis(&conf.TCPTimeout, req.TCPTimeoutMs)

	node := &delegate{out: out, meta: req.Meta, ackPayload: req.AckPayload, state: req.UserState.bytes()}
	conf.Delegate = node
	conf.Events = node
	conf.Conflict = node
	if req.AckPayload != nil {
		conf.Ping = node
	}

	if req.WideAddress {
		transport, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{conf.BindAddr}, BindPort: conf.BindPort, Logger: conf.Logger,
		})
		if err != nil {
			return nil, nil, err
		}
		conf.Transport = wideTransport{transport}
		conf.BindPort = transport.GetAutoBindPort()
	}

	list, err := memberlist.Create(conf)
	if err != nil {
		return nil, nil, err
	}
	local := list.LocalNode()
	return &Peer{list: list, conf: conf, delegate: node}, map[string]any{
		"name": local.Name,
		"ip":   local.Addr.String(),
		"port": local.Port,
	}, nil
}
