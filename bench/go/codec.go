package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
	"slices"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// The messages of memberlist, with its fields and tags: its own types are not exported, and its codec reads any struct by
// reflection, so these cost what its own cost.

type ping struct {
	SeqNo      uint32
	Node       string
	SourceAddr []byte `codec:",omitempty"`
	SourcePort uint16 `codec:",omitempty"`
	SourceNode string `codec:",omitempty"`
}

type indirectPing struct {
	SeqNo      uint32
	Target     []byte
	Port       uint16
	Node       string
	Nack       bool
	SourceAddr []byte `codec:",omitempty"`
	SourcePort uint16 `codec:",omitempty"`
	SourceNode string `codec:",omitempty"`
}

type ack struct {
	SeqNo   uint32
	Payload []byte
}

type nack struct {
	SeqNo uint32
}

type errorResponse struct {
	Error string
}

// accusation has the fields of memberlist's suspect and of its dead.
type accusation struct {
	Incarnation uint32
	Node        string
	From        string
}

type alive struct {
	Incarnation uint32
	Node        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Vsn         []uint8
}

type pushPullHeader struct {
	Nodes        int
	UserStateLen int
	Join         bool
}

type nodeState struct {
	Name        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Incarnation uint32
	State       int
	Vsn         []uint8
}

const (
	pingType = iota
	indirectPingType
	ackType
	suspectType
	aliveType
	deadType
	pushPullType
	compoundType
	userType
	compressType
	encryptType
	nackType
	hasCrcType
	errorType
)

// both is one case: what is encoded, and how what was encoded is decoded.
type both struct {
	encode func() ([]byte, error)
	decode func([]byte) error
}

func message[T any](kind uint8, value T) both {
	return both{
		encode: func() ([]byte, error) {
			buf, err := encode(kind, &value, false)
			if err != nil {
				return nil, err
			}
			return buf.Bytes(), nil
		},
		decode: func(bytes []byte) error {
			var out T
			return decode(bytes[1:], &out)
		},
	}
}

var (
	meta     = []byte("zone=eu-1,role=orders,build=4711")
	versions = []uint8{1, 5, 2, 0, 0, 0}
	key      = bytes.Repeat([]byte{7}, 16)
)

// aliveOf is the i-th of the alive messages that share a packet.
func aliveOf(i int) alive {
	return alive{Incarnation: uint32(i), Node: fmt.Sprintf("orders-%d", i), Addr: []byte{10, 0, 0, byte(i)}, Port: 7946, Meta: meta, Vsn: versions}
}

const parts = 20

// compound encodes and decodes the messages of a packet as well, as a node does.
func compound() both {
	messages := make([]alive, parts)
	for i := range messages {
		messages[i] = aliveOf(i + 1)
	}
	return both{
		encode: func() ([]byte, error) {
			encoded := make([][]byte, 0, parts)
			for i := range messages {
				buf, err := encode(aliveType, &messages[i], false)
				if err != nil {
					return nil, err
				}
				encoded = append(encoded, buf.Bytes())
			}
			return makeCompoundMessage(encoded).Bytes(), nil
		},
		decode: func(packet []byte) error {
			_, messages, err := decodeCompoundMessage(packet[1:])
			if err != nil {
				return err
			}
			for _, each := range messages {
				var out alive
				if err := decode(each[1:], &out); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// sealed is a packet as rawSendMsgPacket makes it and ingestPacket takes it: compressed where that is smaller, with its
// checksum, encrypted.
func sealed() both {
	inner := compound()
	return both{
		encode: func() ([]byte, error) {
			msg, err := inner.encode()
			if err != nil {
				return nil, err
			}
			compressed, err := compressPayload(msg, false)
			if err != nil {
				return nil, err
			}
			if compressed.Len() < len(msg) {
				msg = compressed.Bytes()
			}
			header := make([]byte, 5, 5+len(msg))
			header[0] = hasCrcType
			binary.BigEndian.PutUint32(header[1:], crc32.ChecksumIEEE(msg))
			var out bytes.Buffer
			err = encryptPayload(1, key, append(header, msg...), nil, &out)
			return out.Bytes(), err
		},
		decode: func(packet []byte) error {
			plain, err := decryptPayload([][]byte{key}, packet, nil)
			if err != nil {
				return err
			}
			if plain[0] != hasCrcType || crc32.ChecksumIEEE(plain[5:]) != binary.BigEndian.Uint32(plain[1:5]) {
				return errors.New("wrong checksum")
			}
			plain = plain[5:]
			if plain[0] == compressType {
				if plain, err = decompressPayload(plain[1:]); err != nil {
					return err
				}
			}
			return inner.decode(plain)
		},
	}
}

func rowOf(i int) nodeState {
	return nodeState{Name: fmt.Sprintf("member-%05d", i), Addr: []byte{127, 1, byte(i >> 8), byte(i)}, Port: 7946, Meta: meta, Incarnation: uint32(i%7 + 1), State: 0, Vsn: versions}
}

// pushPull is the list as sendLocalState writes it and readRemoteState reads it, in clear.
func pushPull(count int) both {
	rows := make([]nodeState, count)
	for i := range rows {
		rows[i] = rowOf(i)
	}
	return both{
		encode: func() ([]byte, error) {
			out := bytes.NewBuffer(nil)
			enc := codec.NewEncoder(out, &codec.MsgpackHandle{})
			out.WriteByte(pushPullType)
			if err := enc.Encode(&pushPullHeader{Nodes: len(rows)}); err != nil {
				return nil, err
			}
			for i := range rows {
				if err := enc.Encode(&rows[i]); err != nil {
					return nil, err
				}
			}
			return out.Bytes(), nil
		},
		decode: func(message []byte) error {
			in := bufio.NewReader(bytes.NewReader(message[1:]))
			dec := codec.NewDecoder(in, &codec.MsgpackHandle{})
			var header pushPullHeader
			if err := dec.Decode(&header); err != nil {
				return err
			}
			out := make([]nodeState, header.Nodes)
			for i := range out {
				if err := dec.Decode(&out[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func caseOf(name string) (both, error) {
	switch name {
	case "ping":
		return message(pingType, ping{SeqNo: 421, Node: "orders-1", SourceAddr: []byte{10, 0, 0, 1}, SourcePort: 7946, SourceNode: "orders-2"}), nil
	case "indirectPing":
		return message(indirectPingType, indirectPing{SeqNo: 421, Target: []byte{10, 0, 0, 3}, Port: 7946, Node: "orders-3", Nack: true, SourceAddr: []byte{10, 0, 0, 1}, SourcePort: 7946, SourceNode: "orders-2"}), nil
	case "ack":
		return message(ackType, ack{SeqNo: 421}), nil
	case "nack":
		return message(nackType, nack{SeqNo: 421}), nil
	case "suspect":
		return message(suspectType, accusation{Incarnation: 7, Node: "orders-1", From: "orders-2"}), nil
	case "alive":
		return message(aliveType, aliveOf(1)), nil
	case "dead":
		return message(deadType, accusation{Incarnation: 7, Node: "orders-1", From: "orders-2"}), nil
	case "error":
		return message(errorType, errorResponse{Error: "decrypted message is empty"}), nil
	case "compound":
		return compound(), nil
	case "sealed":
		return sealed(), nil
	case "pushPull1000":
		return pushPull(1000), nil
	case "pushPull10000":
		return pushPull(10_000), nil
	}
	return both{}, fmt.Errorf("unknown case %q", name)
}

// measureCodec tells the processor time of one operation, the median of several samples, and the bytes that it allocates.
func measureCodec(req request) (any, error) {
	each, err := caseOf(req.Case)
	if err != nil {
		return nil, err
	}
	encoded, err := each.encode()
	if err != nil {
		return nil, err
	}
	once := func() error {
		_, err := each.encode()
		return err
	}
	if req.Operation == "decode" {
		once = func() error { return each.decode(encoded) }
	}
	count := 1
	timed := func() (float64, error) {
		before := cpu()
		for range count {
			if err := once(); err != nil {
				return 0, err
			}
		}
		return float64(cpu() - before), nil
	}
	for {
		micros, err := timed()
		if err != nil {
			return nil, err
		}
		if micros >= req.Millis*1000 {
			break
		}
		count *= 2
	}
	nanos := make([]float64, req.Samples)
	for i := range nanos {
		micros, err := timed()
		if err != nil {
			return nil, err
		}
		nanos[i] = micros * 1000 / float64(count)
	}
	slices.Sort(nanos)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := timed(); err != nil {
		return nil, err
	}
	runtime.ReadMemStats(&after)
	return map[string]any{
		"nanos": nanos[len(nanos)/2],
		"bytes": float64(after.TotalAlloc-before.TotalAlloc) / float64(count),
		"size":  len(encoded),
		"hex":   hex.EncodeToString(encoded[:min(len(encoded), 4096)]),
	}, nil
}
