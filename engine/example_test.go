package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
)

func ExampleRetryPolicy() {
	policy := engine.RetryPolicy{
		MaxAttempts:        5,
		FirstRetryInterval: time.Second,
		BackoffCoefficient: 3,
		MaxRetryInterval:   10 * time.Second,
	}
	failure := engine.Sentinels(nil).Failure(errors.New("connection refused"))
	for attempt := 1; ; attempt++ {
		delay, again := policy.Retry(attempt, failure, 0, 0.5)
		if !again {
			fmt.Println("attempt", attempt, "was the last")
			return
		}
		fmt.Println("attempt", attempt, "is followed by another in", delay)
	}
	// Output:
	// attempt 1 is followed by another in 1s
	// attempt 2 is followed by another in 3s
	// attempt 3 is followed by another in 9s
	// attempt 4 is followed by another in 10s
	// attempt 5 was the last
}

func ExampleSentinels() {
	errDeclined := errors.New("card declined")
	sentinels := engine.Sentinels{"payment.declined": errDeclined}

	// One side stores a failure …
	data, _ := json.Marshal(sentinels.Failure(fmt.Errorf("order 17: %w", errDeclined)))

	// … and the other, which registered the same code, still knows it.
	var failure *engine.Failure
	_ = json.Unmarshal(data, &failure)
	err := sentinels.Bind(failure)
	fmt.Println(err)
	fmt.Println(errors.Is(err, errDeclined))
	// Output:
	// order 17: card declined
	// true
}

func ExampleFailure() {
	err := fmt.Errorf("saving: %w", engine.NewPermanentError(errors.New("disk full")))
	failure := engine.Sentinels(nil).Failure(err)
	data, _ := json.Marshal(failure)
	fmt.Println(string(data))
	fmt.Println(engine.CanRetry(failure))
	// Output:
	// {"type":"wrapError","message":"saving: disk full","causes":[{"type":"errorString","message":"disk full","permanent":true}]}
	// false
}
