package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hashicorp/memberlist"
)

const broadcastTimeout = 10 * time.Second

// Peer is a running node.
type Peer struct {
	list      *memberlist.Memberlist
	conf      *memberlist.Config
	delegate  *delegate
	transport *transport
}

type request struct {
	Addrs       []string  `json:"addrs"`
	Names       []string  `json:"names"`
	To          string    `json:"to"`
	Reliable    bool      `json:"reliable"`
	Data        []byte    `json:"data"`
	Generate    *generate `json:"generate"`
	Meta        []byte    `json:"meta"`
	Op          string    `json:"op"`
	Key         []byte    `json:"key"`
	Kind        string    `json:"kind"`
	Node        string    `json:"node"`
	From        string    `json:"from"`
	RawNode     []byte    `json:"rawNode"`
	RawFrom     []byte    `json:"rawFrom"`
	Vsn         []int     `json:"vsn"`
	Incarnation uint32    `json:"incarnation"`
	Count       int       `json:"count"`
}

func (r *request) payload() []byte {
	if r.Generate != nil {
		return r.Generate.bytes()
	}
	return r.Data
}

func (p *Peer) run(cmd string, raw []byte) (any, error) {
	var req request
	if err := json.Unmarshal(raw, &req); err != nil {
		return nil, err
	}
	done := map[string]any{}
	switch cmd {
	case "join":
		n, err := p.list.Join(req.Addrs)
		return map[string]any{"contacted": n}, err
	case "members":
		return map[string]any{"members": table(p.list)}, nil
	case "report":
		return report(p.list, req.Names), nil
	case "leave":
		return done, p.list.Leave(broadcastTimeout)
	case "shutdown":
		return done, p.list.Shutdown()
	case "updateMeta":
		p.delegate.setMeta(req.Meta)
		return done, p.list.UpdateNode(broadcastTimeout)
	case "setUserState":
		p.delegate.setState(req.Generate.bytes())
		return describe(req.Generate.bytes()), nil
	case "send":
		return p.send(&req)
	case "ping":
		return p.ping(&req)
	case "keys":
		return p.keys(&req)
	case "health":
		return map[string]any{"score": p.list.GetHealthScore()}, nil
	case "counters":
		return counters(), nil
	case "lose":
		p.transport.lose(req.Addrs)
		return done, nil
	case "accuse":
		return done, accuse(&req)
	case "announce":
		return done, announce(&req)
	case "inject":
		return inject(&req)
	}
	return nil, fmt.Errorf("unknown command %q", cmd)
}

func (p *Peer) find(name string) (*memberlist.Node, error) {
	for _, n := range p.list.Members() {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("no member %q", name)
}

func (p *Peer) send(req *request) (any, error) {
	node, err := p.find(req.To)
	if err != nil {
		return nil, err
	}
	payload := req.payload()
	if req.Reliable {
		err = p.list.SendReliable(node, payload)
	} else {
		err = p.list.SendBestEffort(node, payload)
	}
	return describe(payload), err
}

func (p *Peer) ping(req *request) (any, error) {
	node, err := p.find(req.To)
	if err != nil {
		return nil, err
	}
	addr, err := p.udpAddr(node)
	if err != nil {
		return nil, err
	}
	rtt, err := p.list.Ping(node.Name, addr)
	return map[string]any{"micros": rtt.Microseconds()}, err
}

func (p *Peer) keys(req *request) (any, error) {
	ring := p.conf.Keyring
	if ring == nil {
		return nil, fmt.Errorf("no keyring: start with a secretKey")
	}
	var err error
	switch req.Op {
	case "add":
		err = ring.AddKey(req.Key)
	case "use":
		err = ring.UseKey(req.Key)
	case "remove":
		err = ring.RemoveKey(req.Key)
	case "list":
	default:
		err = fmt.Errorf("unknown keyring operation %q", req.Op)
	}
	return map[string]any{"keys": ring.GetKeys()}, err
}
