// Command nodes runs HashiCorp memberlist nodes that are measured from outside. It understands the same lines as the
// programs in bench/nodes: a request {"id":1,"do":"start",...} on stdin, its answer {"id":1,"ok":true,"result":{...}} on
// stdout. The first line it writes tells what it cost until then. The end of stdin ends it without a farewell.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
)

const maxLine = 1 << 20

type request struct {
	ID       int      `json:"id"`
	Do       string   `json:"do"`
	Names    []string `json:"names"`
	Seeds    []string `json:"seeds"`
	Expect   int      `json:"expect"`
	Seconds  float64  `json:"seconds"`
	To       string   `json:"to"`
	Count    int      `json:"count"`
	Size     int      `json:"size"`
	Reliable bool     `json:"reliable"`
	Burst    int      `json:"burst"`
	PauseMs  int      `json:"pauseMs"`
	PaceMs   float64  `json:"paceMs"`
	Compress *bool    `json:"compress"`
	Key      string   `json:"key"`
	Watch    bool     `json:"watch"`

	Case      string  `json:"case"`
	Operation string  `json:"operation"`
	Millis    float64 `json:"millis"`
	Samples   int     `json:"samples"`
	Kind      string  `json:"kind"`
	Message   string  `json:"message"`
	QuietMs   int     `json:"quietMs"`
	Stamped   bool    `json:"stamped"`
}

// cpu is the processor time of the whole process so far, in microseconds, by the operating system's accounting. It is
// what Node.js's process.cpuUsage reads.
func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	micros := func(t syscall.Timeval) int64 { return int64(t.Sec)*1_000_000 + int64(t.Usec) }
	return micros(usage.Utime) + micros(usage.Stime)
}

func run(nodes *nodes, req request) (any, error) {
	switch req.Do {
	case "cpu":
		return map[string]any{"micros": cpu()}, nil
	case "start":
		return nodes.start(req)
	case "join":
		return map[string]any{}, nodes.join(req.Seeds)
	case "agree":
		return map[string]any{}, nodes.agree(req.Expect, req.Seconds)
	case "enter":
		return nodes.enter(req.Names, req.Seeds, req.Watch)
	case "failures":
		return map[string]any{"failures": nodes.failures.all()}, nil
	case "listen":
		return nodes.listen(req.Names, req.PaceMs)
	case "spread":
		return nodes.tell(req)
	case "send":
		return nodes.send(req)
	case "codec":
		return measureCodec(req)
	case "members":
		return map[string]any{"count": nodes.lists[0].NumMembers()}, nil
	case "exchange":
		return nodes.exchange(req.Seeds)
	case "watch", "watched":
		return map[string]any{}, nil
	case "latencies":
		return nodes.latencies.take(), nil
	case "received":
		return map[string]any{"count": nodes.received.Load()}, nil
	}
	return nil, fmt.Errorf("unknown request %q", req.Do)
}

func main() {
	out := json.NewEncoder(os.Stdout)
	answer := func(fields map[string]any) {
		if err := out.Encode(fields); err != nil {
			os.Exit(1)
		}
	}
	answer(map[string]any{"hello": map[string]any{"micros": cpu()}})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	nodes := &nodes{}
	for lines.Scan() {
		var req request
		err := json.Unmarshal(lines.Bytes(), &req)
		var result any
		if err == nil {
			result, err = run(nodes, req)
		}
		if err != nil {
			answer(map[string]any{"id": req.ID, "ok": false, "error": err.Error()})
		} else {
			answer(map[string]any{"id": req.ID, "ok": true, "result": result})
		}
	}
}
