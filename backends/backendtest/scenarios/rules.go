package scenarios

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
)

// rule is one of the numbered rules that make it safe to keep work in memory
// between commits.
type rule struct {
	behavior

	// alone: it looks at something that all workers of a process share.
	alone bool
}

func rules() []rule {
	return []rule{
		{behavior: behavior{"29_HangsAreTransient", hangsAreTransient}, alone: true},
		{behavior: behavior{"30_StuckCoroutines", stuckCoroutines}, alone: true},
		{behavior: behavior{"01_OneUndurableStep", oneUndurableStep}},
		{behavior: behavior{"02_NothingStartsBeforeTheAcknowledgment", nothingStartsEarly}},
		{behavior: behavior{"03_CommitIsSentAgain", sentAgain}},
		{behavior: behavior{"04_AfterARefusal", afterARefusal}},
		{behavior: behavior{"05_TheFence", theFence}},
		{behavior: behavior{"07_ReadsSeeCommittedState", committedStateOnly}},
		{behavior: behavior{"08_ActivitiesWithoutARow", withoutARow}},
		{behavior: behavior{"09_ActivitiesWithARow", withARow}},
		{behavior: behavior{"10_OlderRowsGoFirst", olderRowsFirst}},
		{behavior: behavior{"11_SecondResultIsIgnored", secondResult}},
		{behavior: behavior{"12_CanceledActivities", canceledActivities}},
		{behavior: behavior{"13_FailedAttempts", failedAttempts}},
		{behavior: behavior{"14_HoldersHear", holdersHear}},
		{behavior: behavior{"16_TheLastWorkerIsPreferred", lastWorkerPreferred}},
		{behavior: behavior{"20_UnreadSignals", unreadSignals}},
		{behavior: behavior{"21_ContinueAsNewEndsWhatIsPending", continueAsNewEnds}},
		{behavior: behavior{"25_Paused", paused}},
		{behavior: behavior{"27_BlockingKeepsResults", blockingKeeps}},
		{behavior: behavior{"28_BuildsThatCantRunIt", buildsThatCant}},
		{behavior: behavior{"31_DroppedEvents", droppedEvents}},
		{behavior: behavior{"33_Now", nowIsTheStores}},
		{behavior: behavior{"34_HoldersStopInTime", holdersStopInTime}},
		{behavior: behavior{"35_AfterEachEvent", afterEachEvent}},
		{behavior: behavior{"36_Versions", versions}},
		{behavior: behavior{"37_OrderOfCancellation", orderOfCancellation}},
		{behavior: behavior{"38_Conditions", conditions}},
		{behavior: behavior{"39_ComparedArguments", comparedArguments}},
	}
}

// Rules holds whole systems against the rules for what can go wrong between two
// writes. Each sentence runs in a bubble of fake time, so the store must go by
// time.Now of this process.
func Rules(t *testing.T, h Harness) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			if !r.alone {
				t.Parallel()
			} else {
				nothingStuck(t)
			}
			for _, s := range r.sentences {
				t.Run(s.name, func(t *testing.T) {
					if !r.alone {
						t.Parallel()
					}
					synctest.Test(t, func(t *testing.T) { s.run(open(t, h, true)) })
				})
			}
		})
	}
}

// nothingStuck waits until the coroutines have ended that tests before this one left
// stuck.
func nothingStuck(t *testing.T) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); executor.Abandoned() > 0; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%d coroutines of earlier tests are stuck", executor.Abandoned())
		}
	}
}

// rest returns when nothing moves any more before time passes.
func (s *system) rest() { synctest.Wait() }

// pass lets fake time pass.
func (s *system) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// equal fails unless got is want.
func equal[T comparable](s *system, what string, got, want T) {
	s.Helper()
	if got != want {
		s.Errorf("%s: got %v, want %v\n%s", what, got, want, s.log)
	}
}

// commitHook comes between a worker and its store: send makes the commit.
type commitHook func(c backend.WorkflowCommit, send func() backend.WorkflowCommitted) backend.WorkflowCommitted

// tap is a connection to a store on which a test can listen, and hold back or
// change commits one by one.
type tap struct {
	*breakable

	mu   sync.Mutex
	hook commitHook
	log  heard
}

// heard is what went over a connection.
type heard struct {
	commits []backend.WorkflowCommit // each as often as it was sent
	claims  []backend.WorkflowTask
	late    []backend.Delivery
	replays int
}

func tapOn(b backend.Backend) *tap { return &tap{breakable: breakableOn(b)} }

// around sets the hook for the commits to come.
func (t *tap) around(h commitHook) { t.note(func(*heard) { t.hook = h }) }

// heard returns what went over the line until now.
func (t *tap) heard() (h heard) {
	t.note(func(log *heard) { h = *log })
	return h
}

func (t *tap) note(f func(*heard)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.log)
}

func (t *tap) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	out := make([]backend.WorkflowCommitted, len(cs))
	for k := range cs {
		var h commitHook
		t.note(func(log *heard) {
			log.commits = append(log.commits, cs[k])
			h = t.hook
		})
		send := func() backend.WorkflowCommitted { return t.breakable.CommitWorkflows(ctx, cs[k:k+1])[0] }
		if h == nil {
			out[k] = send()
		} else {
			out[k] = h(cs[k], send)
		}
	}
	return out
}

func (t *tap) ClaimWorkflows(ctx context.Context, c backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	got, err := t.breakable.ClaimWorkflows(ctx, c)
	t.note(func(log *heard) { log.claims = append(log.claims, got.Tasks...) })
	return got, err
}

func (t *tap) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	t.note(func(log *heard) { log.late = append(log.late, ds...) })
	return t.breakable.Deliver(ctx, ds)
}

func (t *tap) History(ctx context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	t.note(func(log *heard) { log.replays++ })
	return t.breakable.History(ctx, i, after, limit)
}

// hold waits for c, or for the end of a test that failed: nothing may outlive a
// bubble.
func (s *system) hold(c <-chan struct{}) {
	select {
	case <-c:
	case <-s.ctx.Done():
	}
}

// wait lets fake time pass for the caller alone: what runs beside it may still
// move.
func wait(d time.Duration) { <-time.After(d) }
