package workflow

// queue is first in, first out, in constant amortized time.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) len() int { return len(q.items) - q.head }

func (q *queue[T]) push(v T) {
	if q.head > 16 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

// pop returns the oldest item of a queue that isn't empty.
func (q *queue[T]) pop() T {
	var zero T
	v := q.items[q.head]
	q.items[q.head] = zero
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return v
}

// remove removes the first item that is v, if there is one.
func remove[T comparable](q *queue[T], v T) {
	for i := q.head; i < len(q.items); i++ {
		if q.items[i] == v {
			q.items = append(q.items[:i], q.items[i+1:]...)
			return
		}
	}
}
