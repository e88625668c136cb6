package main

import (
	"encoding/hex"
	"reflect"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/hashicorp/memberlist"
)

// entry has the layout of memberlist's own table entry. memberlist does not publish an entry's state (Node.State is 0
// everywhere) nor its incarnation, and whether a member failed or left is exactly what these tests are about.
type entry struct {
	memberlist.Node
	Incarnation uint32
	State       memberlist.NodeStateType
	StateChange time.Time
}

type member struct {
	Name        string `json:"name"`
	IP          string `json:"ip"`
	Addr        string `json:"addr"`
	Port        uint16 `json:"port"`
	Meta        []byte `json:"meta"`
	State       string `json:"state"`
	Incarnation uint32 `json:"incarnation"`
	Versions    []int  `json:"versions"`
}

func stateName(s memberlist.NodeStateType) string {
	return [...]string{"alive", "suspect", "dead", "left"}[s]
}

// entryOf is only valid for the nodes memberlist hands to an EventDelegate: they are the first field of an entry.
func entryOf(n *memberlist.Node) *entry { return (*entry)(unsafe.Pointer(n)) }

func memberOf(n *memberlist.Node) member {
	e := entryOf(n)
	return member{
		Name: e.Name, IP: e.Addr.String(), Addr: hex.EncodeToString(e.Addr), Port: e.Port,
		Meta: append([]byte{}, e.Meta...), State: stateName(e.State), Incarnation: e.Incarnation,
		Versions: []int{int(e.PMin), int(e.PMax), int(e.PCur), int(e.DMin), int(e.DMax), int(e.DCur)},
	}
}

// entries calls `visit` with every entry of the list, the dead and the left included, under the list's lock.
func entries(list *memberlist.Memberlist, visit func(*entry)) {
	fields := reflect.ValueOf(list).Elem()
	lock := (*sync.RWMutex)(unsafe.Pointer(fields.FieldByName("nodeLock").UnsafeAddr()))
	nodes := (*[]*entry)(unsafe.Pointer(fields.FieldByName("nodes").UnsafeAddr()))
	lock.RLock()
	defer lock.RUnlock()
	for _, e := range *nodes {
		visit(e)
	}
}

// table is every entry of the list.
func table(list *memberlist.Memberlist) []member {
	members := []member{}
	entries(list, func(e *entry) { members = append(members, memberOf(&e.Node)) })
	return members
}

type standing struct {
	State       string `json:"state"`
	Incarnation uint32 `json:"incarnation"`
}

// report tells how the members `names` stand, and how many entries there are; cheap where a table is large.
func report(list *memberlist.Memberlist, names []string) map[string]any {
	standings := map[string]standing{}
	count := 0
	entries(list, func(e *entry) {
		count++
		if slices.Contains(names, e.Name) {
			standings[e.Name] = standing{State: stateName(e.State), Incarnation: e.Incarnation}
		}
	})
	return map[string]any{"standings": standings, "entries": count}
}
