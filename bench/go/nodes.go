package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// joiners is how many nodes of the process join at a time.
const joiners = 16

// nodes are the members that this process runs. It is also their delegate, which only counts messages.
type nodes struct {
	lists     []*memberlist.Memberlist
	received  atomic.Int64
	failures  failures
	spread    spread
	latencies latencies
}

func (n *nodes) NodeMeta(int) []byte             { return nil }
func (n *nodes) NotifyMsg(msg []byte)            { n.received.Add(1); n.latencies.note(msg) }
func (n *nodes) GetBroadcasts(int, int) [][]byte { return nil }
func (n *nodes) LocalState(bool) []byte          { return nil }
func (n *nodes) MergeRemoteState([]byte, bool)   {}

// config is the LAN preset on a free port of the loopback interface, without logs.
func (n *nodes) config(name string) *memberlist.Config {
	conf := memberlist.DefaultLANConfig()
	conf.Name = name
	conf.BindAddr = "127.0.0.1"
	conf.BindPort = 0
	conf.Logger = log.New(io.Discard, "", 0)
	conf.Delegate = n
	return conf
}

// start starts a node for each name, with the LAN preset, on a free port of the loopback interface. Between two nodes it
// waits as long as it is told: memberlist's tickers keep the phase that they are made in, so that nodes made at once also
// probe and gossip at once, as nodes of different hosts do not.
func (n *nodes) start(req request) (any, error) {
	key, err := hex.DecodeString(req.Key)
	if err != nil {
		return nil, err
	}
	for _, name := range req.Names {
		conf := n.config(name)
		conf.SecretKey = key
		if req.Compress != nil {
			conf.EnableCompression = *req.Compress
		}
		list, err := memberlist.Create(conf)
		if err != nil {
			return nil, err
		}
		n.lists = append(n.lists, list)
		time.Sleep(time.Duration(req.PaceMs * float64(time.Millisecond)))
	}
	return map[string]any{"address": n.lists[0].LocalNode().Address()}, nil
}

// failure is a member that a node of this process declared failed, or was told that it is: in milliseconds of the
// system's clock.
type failure struct {
	Observer string  `json:"observer"`
	About    string  `json:"about"`
	At       float64 `json:"at"`
}

// failures are those that watched nodes saw.
type failures struct {
	mutex sync.Mutex
	seen  []failure
}

func (f *failures) add(observer, about string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.seen = append(f.seen, failure{observer, about, float64(time.Now().UnixMicro()) / 1000})
}

func (f *failures) all() []failure {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return append([]failure{}, f.seen...)
}

// watcher notes what one node is told of others.
type watcher struct {
	observer string
	failures *failures
}

func (w *watcher) NotifyJoin(*memberlist.Node)       {}
func (w *watcher) NotifyUpdate(*memberlist.Node)     {}
func (w *watcher) NotifyLeave(node *memberlist.Node) { w.failures.add(w.observer, node.Name) }

// enter starts one node that joins at once, unless it is the first, and tells how long that took. A node that is watched
// notes who fails.
func (n *nodes) enter(names, seeds []string, watch bool) (any, error) {
	began := time.Now()
	conf := n.config(names[0])
	if watch {
		conf.Events = &watcher{names[0], &n.failures}
	}
	list, err := memberlist.Create(conf)
	if err != nil {
		return nil, err
	}
	n.lists = append(n.lists, list)
	if len(seeds) > 0 {
		if _, err := list.Join(seeds); err != nil {
			return nil, err
		}
	}
	millis := float64(time.Since(began).Microseconds()) / 1000
	return map[string]any{"address": list.LocalNode().Address(), "millis": millis}, nil
}

// join lets every node join through the seeds, a few at a time; a node that is the seed does not.
func (n *nodes) join(seeds []string) error {
	var group sync.WaitGroup
	errs := make([]error, len(n.lists))
	places := make(chan struct{}, joiners)
	for i, list := range n.lists {
		if slices.Contains(seeds, list.LocalNode().Address()) {
			continue
		}
		places <- struct{}{}
		group.Go(func() {
			_, errs[i] = list.Join(seeds)
			<-places
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// exchange joins through the seeds and tells how long that took: both lists are sent and merged by then.
func (n *nodes) exchange(seeds []string) (any, error) {
	before := time.Now()
	_, err := n.lists[0].Join(seeds)
	return map[string]any{"millis": float64(time.Since(before).Nanoseconds()) / 1e6}, err
}

// agree waits until every node of this process sees so many members.
func (n *nodes) agree(expect int, seconds float64) error {
	deadline := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	for i := 0; i < len(n.lists); {
		if n.lists[i].NumMembers() == expect {
			i++
			continue
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("a node sees %d of %d members after %.0f s", n.lists[i].NumMembers(), expect, seconds)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// text is hexadecimal noise, the same that the other programs send.
func text(size int) []byte {
	buf := make([]byte, size)
	x := uint32(1)
	for i := range buf {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		buf[i] = "0123456789abcdef"[x%16]
	}
	return buf
}

// send sends messages to a member one after the other, with a pause after every burst, and tells how long each took.
func (n *nodes) send(req request) (any, error) {
	list := n.lists[0]
	members := list.Members()
	at := slices.IndexFunc(members, func(node *memberlist.Node) bool { return node.Name == req.To })
	if at < 0 {
		return nil, fmt.Errorf("no member %q", req.To)
	}
	payload := text(req.Size)
	micros := make([]float64, req.Count)
	for i := range req.Count {
		if req.Stamped {
			stamp(payload)
		}
		before := time.Now()
		var err error
		if req.Reliable {
			err = list.SendReliable(members[at], payload)
		} else {
			err = list.SendBestEffort(members[at], payload)
		}
		if err != nil {
			return nil, err
		}
		micros[i] = float64(time.Since(before).Nanoseconds()) / 1000
		if req.Burst > 0 && (i+1)%req.Burst == 0 {
			time.Sleep(time.Duration(req.PauseMs) * time.Millisecond)
		}
	}
	return summary(micros), nil
}
