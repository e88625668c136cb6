package main

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// stamped is what no hexadecimal noise begins with.
const (
	stamped = 'T'
	digits  = 16
)

// stamp writes the time into the beginning of a message.
func stamp(payload []byte) {
	payload[0] = stamped
	copy(payload[1:], fmt.Sprintf("%0*d", digits, time.Now().UnixMicro()))
}

// latencies is how long the stamped messages took that came since the last time it was asked.
type latencies struct {
	mutex  sync.Mutex
	micros []float64
}

func (l *latencies) note(msg []byte) {
	if len(msg) <= digits || msg[0] != stamped {
		return
	}
	sent, err := strconv.ParseInt(string(msg[1:1+digits]), 10, 64)
	if err != nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.micros = append(l.micros, float64(time.Now().UnixMicro()-sent))
}

func (l *latencies) take() map[string]any {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	taken := summary(l.micros)
	l.micros = nil
	return taken
}

// summary is the middle one, the one that one in a hundred exceeds, and the mean.
func summary(micros []float64) map[string]any {
	if len(micros) == 0 {
		return map[string]any{}
	}
	slices.Sort(micros)
	sum := 0.0
	for _, each := range micros {
		sum += each
	}
	return map[string]any{
		"medianMicros": micros[len(micros)/2],
		"p99Micros":    micros[len(micros)*99/100],
		"meanMicros":   sum / float64(len(micros)),
	}
}
