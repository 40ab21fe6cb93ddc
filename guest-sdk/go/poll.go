package bpf

import (
	"runtime"
	"slices"
	"time"
)

// Waitable is what can be waited for: buffers and Stop.
type Waitable interface {
	// subscribe returns a handle of something that is ready when this is.
	subscribe() int32
}

// Stop is ready when the operator asks the guest to stop, and ever after.
var Stop Waitable = stop{}

type stop struct{}

func (stop) subscribe() int32 { return abiSubscribeStop() }

// IsReady says whether something is ready now.
func IsReady(source Waitable) bool {
	handle := source.subscribe()
	defer abiPollableDrop(handle)
	return abiPollableReady(handle) != 0
}

// Poller waits for buffers, timers and the operator's request to stop. Goroutines can do the same:
// this is for those who would rather have one place that waits.
type Poller struct{ entries []entry }

// Token names one thing that a Poller waits for.
type Token int

// Ready is what was ready when Wait returned.
type Ready []Token

// Has says whether this was ready.
func (r Ready) Has(token Token) bool { return slices.Contains(r, token) }

type entry struct {
	handle int32
	// isOver: a delay that has passed.
	isOver bool
	isOnce bool
	// interval is 0 for what is no interval.
	interval time.Duration
	next     time.Time
}

// Add also waits for this.
func (p *Poller) Add(source Waitable) Token { return p.push(entry{handle: source.subscribe()}) }

// After also wakes up after this time, once.
func (p *Poller) After(delay time.Duration) Token {
	return p.push(entry{handle: abiSubscribeDuration(int64(delay)), isOnce: true})
}

// Every also wakes up at this interval, the first time after one. Intervals that pass while the
// guest does something else are not made up for.
func (p *Poller) Every(interval time.Duration) Token {
	// An interval of nothing would never let anything else come up.
	interval = max(interval, 1)
	return p.push(entry{
		handle:   abiSubscribeDuration(int64(interval)),
		interval: interval,
		next:     time.Now().Add(interval),
	})
}

func (p *Poller) push(e entry) Token {
	p.entries = append(p.entries, e)
	return Token(len(p.entries) - 1)
}

// Wait waits until something is ready. Other goroutines run meanwhile.
func (p *Poller) Wait() (Ready, error) {
	if err := flushBeforeWait(); err != nil {
		return nil, err
	}
	var handles []int32
	var ready Ready
	for i, e := range p.entries {
		if !e.isOver {
			handles = append(handles, e.handle)
			ready = append(ready, Token(i))
		}
	}
	if len(handles) == 0 {
		return nil, &Error{
			Code:    ErrInvalidState,
			Message: "wait: the poller has nothing to wait for",
		}
	}
	tokens := ready
	for {
		runtime.Gosched()
		timer := abiSubscribeDuration(int64(slice()))
		indexes := poll(append(handles, timer))
		abiPollableDrop(timer)
		ready = nil
		for _, index := range indexes {
			if int(index) < len(tokens) {
				ready = append(ready, tokens[index])
			}
		}
		if len(ready) > 0 {
			break
		}
	}
	for _, token := range ready {
		p.entries[token].renew()
	}
	return ready, nil
}

func poll(handles []int32) []uint32 {
	at := bytesAt(bytesOfAll(handles))
	return get(func() { abiPoll(at, uint32(len(handles)), ret) }, func() []uint32 {
		return items(listAt(0), 4, func(i item) uint32 { return i.u32(0) })
	})
}

// renew makes it be waited for again, unless it was a delay.
func (e *entry) renew() {
	switch {
	case e.isOnce:
		abiPollableDrop(e.handle)
		e.isOver = true
	case e.interval > 0:
		abiPollableDrop(e.handle)
		now := time.Now()
		steps := max(0, now.Sub(e.next)/e.interval) + 1
		e.next = e.next.Add(steps * e.interval)
		e.handle = abiSubscribeDuration(int64(max(0, e.next.Sub(now))))
	}
}

// Close forgets what was waited for.
func (p *Poller) Close() {
	for _, e := range p.entries {
		if !e.isOver {
			abiPollableDrop(e.handle)
		}
	}
	p.entries = nil
}
