// This file is compiled into an otherwise unmodified copy of the package memberlist, whose fields it reads. It carries
// out sequences of steps that come as JSON lines on stdin, each in a bubble with a clock of its own (testing/synctest),
// and answers with what memberlist knows after every step.
package memberlist

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/btree"
	"github.com/hashicorp/go-metrics"
)

// octets are bytes as hexadecimal text; null is nil, and "" is empty.
type octets []byte

func (o *octets) UnmarshalJSON(text []byte) error {
	var digits *string
	if err := json.Unmarshal(text, &digits); err != nil || digits == nil {
		*o = nil
		return err
	}
	decoded, err := hex.DecodeString(*digits)
	*o = append(make([]byte, 0, len(decoded)), decoded...)
	return err
}

type row struct {
	Name  string
	Addr  octets
	Port  uint16
	Meta  octets
	Inc   uint32
	State int
	Vsn   octets
}

type step struct {
	Do     string
	Node   string
	From   string
	Addr   octets
	Port   uint16
	Meta   octets
	Inc    uint32
	Vsn    octets
	Rows   []row
	Bytes  octets
	Delta  int
	Limit  int
	After  int64 // nanoseconds from the beginning of this step to its end
}

type setup struct {
	Name                            string
	Addr                            octets
	Port                            int
	Meta                            octets
	ProtocolVersion                 uint8
	SuspicionMult, SuspicionMaxMult int
	ProbeInterval                   int64 // nanoseconds, as are the next two
	DeadNodeReclaimTime             int64
	GossipToTheDeadTime             int64
	AwarenessMaxMultiplier          int
	RetransmitMult                  int
	Restricted                      bool // only addresses in 10.0.0.0/8 may appear
	KeepsIds                        bool // a message too long for any packet keeps the queue from being empty
}

type request struct {
	Setup setup
	Steps []step
	Full  bool // answers with texts, and not with their hashes
}

type answer struct {
	States []string            `json:"states"`
	Order  map[string][]string `json:"order,omitempty"` // by step: who left, where several did
	Error  string              `json:"error,omitempty"`
}

// quiet is a transport without a network.
type quiet struct {
	addr    net.IP
	port    int
	packets chan *Packet
	streams chan net.Conn
	sent    int
}

func (q *quiet) FinalAdvertiseAddr(string, int) (net.IP, int, error) { return q.addr, q.port, nil }
func (q *quiet) WriteTo([]byte, string) (time.Time, error)           { q.sent++; return time.Now(), nil }
func (q *quiet) PacketCh() <-chan *Packet                            { return q.packets }
func (q *quiet) StreamCh() <-chan net.Conn                           { return q.streams }
func (q *quiet) Shutdown() error                                     { return nil }
func (q *quiet) DialTimeout(string, time.Duration) (net.Conn, error) {
	return nil, fmt.Errorf("there is no network")
}

// gateMsg holds up the packet handler, so that the parts of the next packet are all there when it goes on: otherwise it
// would be a race which of them it finds first.
var gateMsg = []byte{byte(userMsg), 'g', 'a', 't', 'e'}

// counted counts what memberlist counts with go-metrics.
type counted struct {
	metrics.BlackholeSink
	degraded int
}

func (c *counted) IncrCounterWithLabels(key []string, _ float32, _ []metrics.Label) {
	if len(key) == 3 && key[1] == "degraded" && key[2] == "timeout" {
		c.degraded++
	}
}

var counters = &counted{}

type subject struct {
	m       *Memberlist
	network *quiet
	start   time.Time
	meta    []byte
	gate    chan struct{}
	padding []byte
	events  []string
	gone    []string
	extra   []string
}

func (s *subject) NodeMeta(int) []byte           { return s.meta }
func (s *subject) GetBroadcasts(int, int) [][]byte { return nil }
func (s *subject) LocalState(bool) []byte        { return nil }
func (s *subject) MergeRemoteState([]byte, bool) {}
func (s *subject) NotifyMsg(message []byte) {
	if bytes.Equal(message, gateMsg[1:]) {
		<-s.gate
	}
}

func (s *subject) NotifyJoin(n *Node)   { s.event("join", n) }
func (s *subject) NotifyUpdate(n *Node) { s.event("update", n) }
func (s *subject) NotifyLeave(n *Node) {
	s.event("leave", n)
	s.gone = append(s.gone, n.Name)
}
func (s *subject) NotifyConflict(existing, other *Node) {
	s.events = append(s.events, fmt.Sprintf("event conflict %s %x:%d other %x:%d meta=%s",
		shown(existing.Name), []byte(existing.Addr), existing.Port, []byte(other.Addr), other.Port, orNone(other.Meta)))
}

func (s *subject) event(what string, n *Node) {
	s.events = append(s.events, fmt.Sprintf("event %s %s", what, described(n)))
}

func described(n *Node) string {
	return fmt.Sprintf("%s %x:%d meta=%s vsn=%x", shown(n.Name), []byte(n.Addr), n.Port, orNone(n.Meta),
		[]byte{n.PMin, n.PMax, n.PCur, n.DMin, n.DMax, n.DCur})
}

func orNone(b []byte) string {
	if len(b) == 0 {
		return "-"
	}
	return hex.EncodeToString(b)
}

func shown(name string) string {
	for i := 0; i < len(name); i++ {
		if name[i] <= 0x20 || name[i] >= 0x7f || name[i] == '"' {
			return "x" + hex.EncodeToString([]byte(name))
		}
	}
	return "\"" + name + "\""
}

var states = map[NodeStateType]string{StateAlive: "alive", StateSuspect: "suspect", StateDead: "dead", StateLeft: "left"}

func begin(given setup) (*subject, error) {
	s := &subject{start: time.Now(), meta: given.Meta, gate: make(chan struct{})}
	s.network = &quiet{addr: net.IP(given.Addr), port: given.Port, packets: make(chan *Packet), streams: make(chan net.Conn)}
	config := DefaultLANConfig()
	config.Name = given.Name
	config.Transport = s.network
	config.Delegate = s
	config.Events = s
	config.Conflict = s
	config.Logger = log.New(io.Discard, "", 0)
	config.ProtocolVersion = given.ProtocolVersion
	config.SuspicionMult = given.SuspicionMult
	config.SuspicionMaxTimeoutMult = given.SuspicionMaxMult
	config.ProbeInterval = time.Duration(given.ProbeInterval)
	config.DeadNodeReclaimTime = time.Duration(given.DeadNodeReclaimTime)
	config.GossipToTheDeadTime = time.Duration(given.GossipToTheDeadTime)
	config.AwarenessMaxMultiplier = given.AwarenessMaxMultiplier
	config.RetransmitMult = given.RetransmitMult
	config.QueueCheckInterval = 1_000_000 * time.Hour
	config.BindPort = 7946
	if given.Restricted {
		allowed, err := ParseCIDRs([]string{"10.0.0.0/8"})
		if err != nil {
			return nil, err
		}
		config.CIDRsAllowed = allowed
	}
	m, err := newMemberlist(config)
	if err != nil {
		return nil, err
	}
	s.m = m
	if given.KeepsIds {
		s.padding = make([]byte, 2000)
		m.queueBroadcast("", s.padding, nil)
	}
	if err := m.setAlive(); err != nil {
		return nil, err
	}
	synctest.Wait()
	return s, nil
}

func (s *subject) take(one step) {
	m := s.m
	began := time.Now()
	switch one.Do {
	case "wait":
	case "alive":
		a := alive{Incarnation: one.Inc, Node: one.Node, Addr: one.Addr, Port: one.Port, Meta: one.Meta, Vsn: one.Vsn}
		m.aliveNode(&a, nil, false)
	case "suspect":
		m.suspectNode(&suspect{Incarnation: one.Inc, Node: one.Node, From: one.From})
	case "dead":
		m.deadNode(&dead{Incarnation: one.Inc, Node: one.Node, From: one.From})
	case "merge":
		rows := make([]pushNodeState, len(one.Rows))
		for i, r := range one.Rows {
			rows[i] = pushNodeState{Name: r.Name, Addr: r.Addr, Port: r.Port, Meta: r.Meta, Incarnation: r.Inc,
				State: NodeStateType(r.State), Vsn: r.Vsn}
		}
		if err := m.mergeRemoteState(false, rows, nil); err != nil {
			s.extra = append(s.extra, "merge refused")
		}
	case "packet":
		from := &net.UDPAddr{IP: net.IPv4(10, 9, 9, 9), Port: 7946}
		m.ingestPacket(gateMsg, from, time.Now())
		synctest.Wait()
		m.ingestPacket(one.Bytes, from, time.Now())
		s.gate <- struct{}{}
	case "update":
		s.meta = one.Meta
		// It times out, because nobody draws from the queue meanwhile; what it does, it has done before.
		_ = m.UpdateNode(time.Nanosecond)
	case "leave":
		_ = m.Leave(time.Nanosecond)
	case "return":
		_ = m.setAlive()
	case "reap":
		m.resetNodes()
	case "health":
		m.awareness.ApplyDelta(one.Delta)
	case "draw":
		for _, message := range m.getBroadcasts(compoundOverhead, one.Limit) {
			s.extra = append(s.extra, "drawn "+hex.EncodeToString(message))
		}
	default:
		panic("no such step: " + one.Do)
	}
	synctest.Wait()
	time.Sleep(time.Duration(one.After) - time.Since(began))
	synctest.Wait()
}

func (s *subject) observe() string {
	m := s.m
	var out strings.Builder
	incarnation := "left"
	if !m.hasLeft() {
		incarnation = fmt.Sprint(m.incarnation.Load())
	}
	fmt.Fprintf(&out, "at %d\nown incarnation=%s health=%d known=%d\n",
		time.Since(s.start).Nanoseconds(), incarnation, m.GetHealthScore(), m.estNumNodes())
	members := make([]string, 0, len(m.nodeMap))
	for _, n := range m.nodeMap {
		members = append(members, fmt.Sprintf("member %s incarnation=%d %s since=%d\n",
			described(&n.Node), n.Incarnation, states[n.State], n.StateChange.Sub(s.start).Nanoseconds()))
	}
	sort.Strings(members)
	for _, line := range members {
		out.WriteString(line)
	}
	m.broadcasts.mu.Lock()
	if m.broadcasts.tq != nil {
		m.broadcasts.tq.Ascend(func(item btree.Item) bool {
			queued := item.(*limitedBroadcast)
			if message := queued.b.Message(); s.padding == nil || &message[0] != &s.padding[0] {
				fmt.Fprintf(&out, "queued sent=%d %x\n", queued.transmits, message)
			}
			return true
		})
	}
	m.broadcasts.mu.Unlock()
	for _, line := range s.events {
		out.WriteString(line + "\n")
	}
	for _, line := range s.extra {
		out.WriteString(line + "\n")
	}
	if counters.degraded > 0 {
		fmt.Fprintf(&out, "degraded %d\n", counters.degraded)
	}
	if s.network.sent > 0 {
		fmt.Fprintf(&out, "packets %d\n", s.network.sent)
	}
	s.network.sent = 0
	counters.degraded = 0
	s.events, s.extra, s.gone = nil, nil, nil
	return out.String()
}

func (r *request) run() answer {
	counters.degraded = 0
	s, err := begin(r.Setup)
	if err != nil {
		return answer{Error: err.Error()}
	}
	done := answer{States: make([]string, 0, len(r.Steps)+1), Order: map[string][]string{}}
	note := func() {
		if len(s.gone) > 1 {
			done.Order[fmt.Sprint(len(done.States))] = s.gone
		}
		text := s.observe()
		if !r.Full {
			sum := sha256.Sum256([]byte(text))
			text = hex.EncodeToString(sum[:8])
		}
		done.States = append(done.States, text)
	}
	note()
	for _, one := range r.Steps {
		s.take(one)
		note()
	}
	_ = s.m.Shutdown()
	return done
}

func TestReference(t *testing.T) {
	config := metrics.DefaultConfig("")
	config.EnableRuntimeMetrics = false
	config.EnableHostname = false
	if _, err := metrics.NewGlobal(config, counters); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			t.Fatal(err)
		}
		var done answer
		synctest.Test(t, func(*testing.T) { done = asked.run() })
		if err := out.Encode(done); err != nil {
			t.Fatal(err)
		}
	}
}
