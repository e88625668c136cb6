package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

// Messages no well-behaved node sends, written to the wire by hand with the reference's own MessagePack library. They
// are plain (no label, no key), which the nodes they are sent to must be too.

const (
	typeSuspect  = 3
	typeAlive    = 4
	typeDead     = 5
	typePushPull = 6
	typeCompress = 9

	rawTimeout = 10 * time.Second
)

type accusation struct {
	Incarnation uint32
	Node        string
	From        string
}

type pushPullHeader struct {
	Nodes        int
	UserStateLen int
	Join         bool
}

type pushNodeState struct {
	Name        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Incarnation uint32
	State       memberlist.NodeStateType
	Vsn         []uint8
}

func (p *Peer) udpAddr(n *memberlist.Node) (net.Addr, error) {
	return net.ResolveUDPAddr("udp", n.Address())
}

type announcement struct {
	Incarnation uint32
	Node        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Vsn         []uint8
}

// either is `raw`, a name of any bytes, where a request has one, and else `name`.
func either(raw []byte, name string) string {
	if raw != nil {
		return string(raw)
	}
	return name
}

// accuse sends one suspect or dead message about `node` to the UDP address `to`.
func accuse(req *request) error {
	kinds := map[string]byte{"suspect": typeSuspect, "dead": typeDead}
	kind, ok := kinds[req.Kind]
	if !ok {
		return fmt.Errorf("cannot accuse of %q", req.Kind)
	}
	return sendTo(req.To, kind, &accusation{
		Incarnation: req.Incarnation,
		Node:        either(req.RawNode, req.Node),
		From:        either(req.RawFrom, req.From),
	})
}

// announce sends one alive message to the UDP address `to`, about a member at a loopback address where nobody listens.
func announce(req *request) error {
	vsn := []uint8{}
	for _, v := range req.Vsn {
		vsn = append(vsn, uint8(v))
	}
	return sendTo(req.To, typeAlive, &announcement{
		Incarnation: 1, Node: either(req.RawNode, req.Node), Addr: []byte{127, 200, 0, 1}, Port: 7946, Vsn: vsn,
	})
}

func sendTo(to string, kind byte, message any) error {
	buf := bytes.NewBuffer([]byte{kind})
	if err := codec.NewEncoder(buf, &codec.MsgpackHandle{}).Encode(message); err != nil {
		return err
	}
	conn, err := net.Dial("udp", to)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write(buf.Bytes())
	return err
}

// inject makes the node at the TCP address `to` know `count` members that do not exist, through one push/pull. Their
// addresses are loopback ones where nobody listens.
func inject(req *request) (any, error) {
	conn, err := net.DialTimeout("tcp", req.To, rawTimeout)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(rawTimeout)); err != nil {
		return nil, err
	}
	buf := bytes.NewBuffer([]byte{typePushPull})
	enc := codec.NewEncoder(buf, &codec.MsgpackHandle{})
	if err := enc.Encode(&pushPullHeader{Nodes: req.Count}); err != nil {
		return nil, err
	}
	for i := range req.Count {
		if err := enc.Encode(fakeMember(i)); err != nil {
			return nil, err
		}
	}
	if _, err := conn.Write(buf.Bytes()); err != nil {
		return nil, err
	}
	// The other side answers with its own table, merges ours, and closes.
	answer, err := io.ReadAll(conn)
	if err == nil && (len(answer) == 0 || answer[0] != typePushPull && answer[0] != typeCompress) {
		err = fmt.Errorf("unexpected answer %x", answer[:min(len(answer), 64)])
	}
	return map[string]any{"sent": buf.Len(), "received": len(answer)}, err
}

func fakeMember(i int) *pushNodeState {
	return &pushNodeState{
		Name:        fmt.Sprintf("fake-%04d", i),
		Addr:        []byte{127, 200, byte(i >> 8), byte(i)},
		Port:        7946,
		Meta:        fmt.Appendf(nil, "fake member %d", i),
		Incarnation: uint32(i + 1),
		State:       memberlist.StateAlive,
		Vsn:         []uint8{1, 5, 2, 0, 0, 0},
	}
}
