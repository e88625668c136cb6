package main

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// spread notes which nodes have got a message that the first one sent to all.
type spread struct {
	mutex   sync.Mutex
	tellers []*teller
	text    []byte
	passed  bool
	first   map[int]time.Time
	copies  int
}

// teller is the delegate of one node: it gives away what its queue has, and notes what comes. What is new it queues as
// well when messages are passed on, as Serf does.
type teller struct {
	index  int
	queue  *memberlist.TransmitLimitedQueue
	spread *spread
	list   *memberlist.Memberlist
}

// members is how many there are. It is not asked before there is something to tell.
func (t *teller) members() int { return t.list.NumMembers() }

func (t *teller) NodeMeta(int) []byte             { return nil }
func (t *teller) LocalState(bool) []byte          { return nil }
func (t *teller) MergeRemoteState([]byte, bool)   {}
func (t *teller) GetBroadcasts(o, l int) [][]byte { return t.queue.GetBroadcasts(o, l) }
func (t *teller) NotifyMsg(msg []byte) {
	if t.spread.got(t.index, msg) {
		t.queue.QueueBroadcast(&told{bytes.Clone(msg)})
	}
}

// told is a broadcast that takes the place of none.
type told struct{ msg []byte }

func (b *told) Invalidates(memberlist.Broadcast) bool { return false }
func (b *told) Message() []byte                       { return b.msg }
func (b *told) Finished()                             {}

// got notes a message, and tells whether it has to be passed on.
func (s *spread) got(node int, msg []byte) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if node == 0 || !bytes.Equal(msg, s.text) {
		return false
	}
	s.copies++
	if _, known := s.first[node]; known {
		return false
	}
	s.first[node] = time.Now()
	return s.passed
}

// state is how many have it, and when the last one got it.
func (s *spread) state(began time.Time) (reached, copies int, last time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	last = began
	for _, at := range s.first {
		if at.After(last) {
			last = at
		}
	}
	return len(s.first), s.copies, last
}

// listen starts nodes that can tell one another something.
func (n *nodes) listen(names []string, paceMs float64) (any, error) {
	for i, name := range names {
		conf := n.config(name)
		one := &teller{index: i, spread: &n.spread}
		conf.Delegate = one
		one.queue = &memberlist.TransmitLimitedQueue{
			NumNodes:       one.members,
			RetransmitMult: conf.RetransmitMult,
		}
		var err error
		if one.list, err = memberlist.Create(conf); err != nil {
			return nil, err
		}
		n.lists = append(n.lists, one.list)
		n.spread.tellers = append(n.spread.tellers, one)
		time.Sleep(time.Duration(paceMs * float64(time.Millisecond)))
	}
	return map[string]any{"address": n.lists[0].LocalNode().Address()}, nil
}

// tell sends a message from the first node to all, and waits until they have it, or none has got it for a while.
func (n *nodes) tell(req request) (any, error) {
	s := &n.spread
	text := []byte(fmt.Sprintf("%s %s", req.Message, text(req.Size)))[:req.Size]
	s.mutex.Lock()
	s.text, s.passed, s.first, s.copies = text, req.Kind == "passed", map[int]time.Time{}, 0
	s.mutex.Unlock()
	began := time.Now()
	s.tellers[0].queue.QueueBroadcast(&told{text})
	for {
		reached, copies, last := s.state(began)
		if reached == len(s.tellers)-1 || time.Since(last) >= time.Duration(req.QuietMs)*time.Millisecond {
			millis := float64(last.Sub(began).Microseconds()) / 1000
			return map[string]any{"reached": reached, "millis": millis, "copies": copies}, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}
