package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// smallPayload is the largest payload an event carries whole; larger ones are told by length and digest.
const smallPayload = 4096

// delegate answers memberlist's questions and turns its callbacks into events.
type delegate struct {
	out        *output
	quiet      bool
	ackPayload []byte

	mu    sync.Mutex
	meta  []byte
	state []byte
}

// generate describes a payload both sides can produce: `size` bytes of xorshift32 noise, or of a repeated text when
// `repeat` is set (noise does not compress, text does).
type generate struct {
	Size   int    `json:"size"`
	Seed   uint32 `json:"seed"`
	Repeat string `json:"repeat"`
}

func (g *generate) bytes() []byte {
	if g == nil {
		return nil
	}
	buf := make([]byte, g.Size)
	x := g.Seed | 1
	for i := range buf {
		if g.Repeat != "" {
			buf[i] = g.Repeat[i%len(g.Repeat)]
			continue
		}
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		buf[i] = byte(x)
	}
	return buf
}

func describe(payload []byte) map[string]any {
	sum := sha256.Sum256(payload)
	fields := map[string]any{"size": len(payload), "sha256": hex.EncodeToString(sum[:])}
	if len(payload) <= smallPayload {
		fields["data"] = append([]byte{}, payload...)
	}
	return fields
}

// memberlist.Delegate

func (d *delegate) NodeMeta(int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.meta
}

func (d *delegate) setMeta(meta []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meta = meta
}

func (d *delegate) NotifyMsg(payload []byte) {
	if !d.quiet {
		d.out.event("message", describe(payload))
	}
}

func (d *delegate) GetBroadcasts(overhead, limit int) [][]byte { return nil }

func (d *delegate) LocalState(bool) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

func (d *delegate) setState(state []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = state
}

func (d *delegate) MergeRemoteState(state []byte, join bool) {
	if d.quiet {
		return
	}
	fields := describe(state)
	fields["join"] = join
	d.out.event("remoteState", fields)
}

// refusal vetoes members by name, in lists and in alive messages, as Serf's and Consul's delegates do.
type refusal []string

func (r refusal) check(n *memberlist.Node) error {
	if slices.Contains(r, n.Name) {
		return fmt.Errorf("%s is refused", n.Name)
	}
	return nil
}

func (r refusal) NotifyMerge(peers []*memberlist.Node) error {
	for _, n := range peers {
		if err := r.check(n); err != nil {
			return err
		}
	}
	return nil
}

func (r refusal) NotifyAlive(n *memberlist.Node) error { return r.check(n) }

// memberlist.EventDelegate. memberlist calls these under its own lock, with a pointer into its table.

func (d *delegate) NotifyJoin(n *memberlist.Node) {
	if !d.quiet {
		d.out.event("joined", map[string]any{"node": memberOf(n)})
	}
}

func (d *delegate) NotifyUpdate(n *memberlist.Node) {
	if !d.quiet {
		d.out.event("updated", map[string]any{"node": memberOf(n)})
	}
}

// NotifyLeave is called for the dead and the left alike: the entry's state tells them apart.
func (d *delegate) NotifyLeave(n *memberlist.Node) {
	tag := "failed"
	if entryOf(n).State == memberlist.StateLeft {
		tag = "left"
	}
	d.out.event(tag, map[string]any{"node": memberOf(n)})
}

// memberlist.ConflictDelegate

func (d *delegate) NotifyConflict(existing, other *memberlist.Node) {
	if d.quiet {
		return
	}
	d.out.event("conflict", map[string]any{
		"name": existing.Name, "existing": hex.EncodeToString(existing.Addr), "existingPort": existing.Port,
		"other": hex.EncodeToString(other.Addr), "otherPort": other.Port,
	})
}

// memberlist.PingDelegate

func (d *delegate) AckPayload() []byte { return d.ackPayload }

func (d *delegate) NotifyPingComplete(n *memberlist.Node, rtt time.Duration, payload []byte) {
	fields := describe(payload)
	fields["name"] = n.Name
	fields["micros"] = rtt.Microseconds()
	d.out.event("pingComplete", fields)
}
