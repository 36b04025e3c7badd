package main

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// A version is one commit of one object, as its writer knows it from the answer.
type version struct {
	// The resourceVersion; 0 of a deletion, whose answer does not tell.
	revision int64
	deleted  bool
}

// ledger holds what writers wrote: for each object all its versions, in order. Every object has one writer.
type ledger struct {
	mutex    sync.Mutex
	versions map[string][]version
	writes   int
	retries  int
	problems []string
}

func newLedger() *ledger { return &ledger{versions: map[string][]version{}} }

func (l *ledger) add(key string, v version) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.versions[key] = append(l.versions[key], v)
	l.writes++
}

func (l *ledger) retried() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.retries++
}

func (l *ledger) problem(format string, arguments ...any) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.problems = append(l.problems, fmt.Sprintf(format, arguments...))
}

// An observation is one event of an object, as somebody saw it.
type observation struct {
	kind     string // ADDED, MODIFIED, DELETED
	revision int64
}

// journal holds what one observer saw, by object, and over all objects in order of arrival.
type journal struct {
	mutex sync.Mutex
	name  string
	// Whether the observer is told of the order between objects, too: a watch is, the handlers of an informer are not.
	ordered bool
	events  map[string][]observation
	last    int64
	count   int
	// How often it read the whole state; what happened in between may then be missing.
	syncs    int
	problems []string
}

func newJournal(name string, ordered bool) *journal {
	return &journal{name: name, ordered: ordered, events: map[string][]observation{}}
}

func (j *journal) see(key, kind string, resourceVersion string) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	revision, err := strconv.ParseInt(resourceVersion, 10, 64)
	if err != nil {
		j.problems = append(j.problems, fmt.Sprintf("%s: %s has no comparable resourceVersion: %q", j.name, key, resourceVersion))
		return
	}
	if j.ordered && revision <= j.last {
		j.problems = append(j.problems, fmt.Sprintf("%s: %s %s@%d arrived after %d", j.name, kind, key, revision, j.last))
	}
	j.last = max(j.last, revision)
	j.count++
	j.events[key] = append(j.events[key], observation{kind, revision})
}

func (j *journal) synced() {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.syncs++
}

// check compares what was seen of every object with what was written. An observer that read the whole state more than
// once may have missed versions, but must have seen the rest in order, and nothing that was never written.
func (j *journal) check(l *ledger) []string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	problems := slices.Clone(j.problems)
	for key, written := range l.versions {
		seen := j.events[key]
		if problem := compare(written, seen, j.syncs <= 1); problem != "" {
			problems = append(problems, fmt.Sprintf("%s: %s: %s", j.name, key, problem))
		}
	}
	for key := range j.events {
		if _, known := l.versions[key]; !known {
			problems = append(problems, fmt.Sprintf("%s: saw %s, which nobody wrote", j.name, key))
		}
	}
	return problems
}

// complete tells whether the newest version of every object was seen.
func (j *journal) complete(l *ledger) bool {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for key, written := range l.versions {
		seen := j.events[key]
		if len(seen) == 0 {
			return false
		}
		last, newest := seen[len(seen)-1], written[len(written)-1]
		if newest.deleted != (last.kind == "DELETED") || (!newest.deleted && last.revision != newest.revision) {
			return false
		}
	}
	return true
}

// compare says what is wrong with the events of one object; "" when nothing is.
func compare(written []version, seen []observation, exact bool) string {
	at := 0
	previous := int64(0)
	exists := false
	for _, event := range seen {
		if event.revision <= previous {
			return fmt.Sprintf("%s@%d came after %d", event.kind, event.revision, previous)
		}
		previous = event.revision
		if exact && (event.kind == "ADDED") == exists {
			return fmt.Sprintf("%s@%d came although it exists: %t", event.kind, event.revision, exists)
		}
		exists = event.kind != "DELETED"
		from := at
		for at < len(written) && !matches(written[at], event) {
			at++
		}
		if at == len(written) {
			return fmt.Sprintf("%s@%d is none of the versions written after number %d", event.kind, event.revision, from)
		}
		if exact && at != from {
			return fmt.Sprintf("%s@%d came without the %d versions before it, from %+v on", event.kind, event.revision, at-from, written[from])
		}
		at++
	}
	if at != len(written) {
		return fmt.Sprintf("the last %d of %d versions were not seen", len(written)-at, len(written))
	}
	return ""
}

func matches(v version, event observation) bool {
	if v.deleted {
		return event.kind == "DELETED"
	}
	return event.kind != "DELETED" && v.revision == event.revision
}
