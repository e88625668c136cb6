package main

import (
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/hashicorp/memberlist"
)

// startRequest is the node's configuration. Absent fields keep the value of memberlist's Local preset, or of its LAN
// preset where that is asked for; byte strings are base64, durations whole milliseconds. A quiet node tells only of
// failures and farewells.
type startRequest struct {
	Name             string    `json:"name"`
	RawName          []byte    `json:"rawName"`
	DelegateProtocol []int     `json:"delegateProtocol"`
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
	Preset           string    `json:"preset"`
	Quiet            bool      `json:"quiet"`
	Refuses          []string  `json:"refuses"`

	ProbeIntervalMs    *int `json:"probeIntervalMs"`
	ProbeTimeoutMs     *int `json:"probeTimeoutMs"`
	GossipIntervalMs   *int `json:"gossipIntervalMs"`
	PushPullIntervalMs *int `json:"pushPullIntervalMs"`
	TCPTimeoutMs       *int `json:"tcpTimeoutMs"`
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
	if req.Preset == "lan" {
		conf = memberlist.DefaultLANConfig()
	}
	conf.Name = req.Name
	if req.RawName != nil {
		conf.Name = string(req.RawName)
	}
	if v := req.DelegateProtocol; len(v) == 3 {
		conf.DelegateProtocolMin, conf.DelegateProtocolMax, conf.DelegateProtocolVersion = uint8(v[0]), uint8(v[1]), uint8(v[2])
	}
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

	node := &delegate{out: out, quiet: req.Quiet, meta: req.Meta, ackPayload: req.AckPayload, state: req.UserState.bytes()}
	conf.Delegate = node
	conf.Events = node
	conf.Conflict = node
	if req.AckPayload != nil {
		conf.Ping = node
	}
	if req.Refuses != nil {
		veto := refusal(req.Refuses)
		conf.Merge = veto
		conf.Alive = veto
	}

	transport, err := newTransport(conf, req.WideAddress)
	if err != nil {
		return nil, nil, err
	}
	list, err := memberlist.Create(conf)
	if err != nil {
		return nil, nil, err
	}
	local := list.LocalNode()
	return &Peer{list: list, conf: conf, delegate: node, transport: transport}, map[string]any{
		"name": local.Name,
		"ip":   local.Addr.String(),
		"port": local.Port,
	}, nil
}
