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

// accuse sends one suspect or dead message about `node` to the UDP address `to`.
func accuse(req *request) error {
	buf := new(bytes.Buffer)
	switch req.Kind {
	case "suspect":
		buf.WriteByte(typeSuspect)
	case "dead":
		buf.WriteByte(typeDead)
	default:
		return fmt.Errorf("cannot accuse of %q", req.Kind)
	}
	message := accusation{Incarnation: req.Incarnation, Node: req.Node, From: req.From}
	if err := codec.NewEncoder(buf, &codec.MsgpackHandle{}).Encode(&message); err != nil {
		return err
	}
	conn, err := net.Dial("udp", req.To)
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
