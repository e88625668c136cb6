package main

import (
	"encoding/hex"
	"reflect"
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

// table is every entry of the list, the dead and the left included.
func table(list *memberlist.Memberlist) []member {
	fields := reflect.ValueOf(list).Elem()
	lock := (*sync.RWMutex)(unsafe.Pointer(fields.FieldByName("nodeLock").UnsafeAddr()))
	nodes := (*[]*entry)(unsafe.Pointer(fields.FieldByName("nodes").UnsafeAddr()))
	lock.RLock()
	defer lock.RUnlock()
	members := make([]member, 0, len(*nodes))
	for _, e := range *nodes {
		members = append(members, memberOf(&e.Node))
	}
	return members
}
