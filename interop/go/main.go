// Command peer runs one HashiCorp memberlist node and is driven over JSON lines.
//
// Every line on stdin is a request {"id":1,"cmd":"join",...}; the first one must be "start". Every line on stdout is
// either the answer to a request {"id":1,"ok":true,"result":{...}} or {"id":1,"ok":false,"error":{...}}, or an event
// {"event":"joined","at":<milliseconds>,...}. memberlist's own log goes to stderr. The end of stdin ends the process
// without a farewell, so a peer never outlives the test that drives it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

const maxLine = 64 << 20

// output serialises the lines written to stdout.
type output struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func (o *output) line(fields map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.enc.Encode(fields); err != nil {
		os.Exit(1)
	}
}

func (o *output) event(tag string, fields map[string]any) {
	line := map[string]any{"event": tag, "at": time.Now().UnixMilli()}
	for k, v := range fields {
		line[k] = v
	}
	o.line(line)
}

func (o *output) answer(id int, result any, err error) {
	if err != nil {
		tag := fmt.Sprintf("%T", err)
		o.line(map[string]any{"id": id, "ok": false, "error": map[string]any{"tag": tag, "message": err.Error()}})
		return
	}
	o.line(map[string]any{"id": id, "ok": true, "result": result})
}

func main() {
	out := &output{enc: json.NewEncoder(os.Stdout)}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 64<<10), maxLine)

	var peer *Peer
	for lines.Scan() {
		raw := append([]byte(nil), lines.Bytes()...)
		var head struct {
			ID  int    `json:"id"`
			Cmd string `json:"cmd"`
		}
		if err := json.Unmarshal(raw, &head); err != nil {
			out.answer(0, nil, err)
			continue
		}
		switch {
		case peer == nil && head.Cmd == "start":
			var result any
			var err error
			peer, result, err = start(raw, out)
			out.answer(head.ID, result, err)
		case peer == nil:
			out.answer(head.ID, nil, fmt.Errorf("%q before start", head.Cmd))
		default:
			// A goroutine each: a join or a leave may take seconds and must not hold up the other commands.
			go func() {
				result, err := peer.run(head.Cmd, raw)
				out.answer(head.ID, result, err)
				if head.Cmd == "shutdown" {
					os.Exit(0)
				}
			}()
		}
	}
}
