package view

import "time"

// Style says what a text means, not how it looks.
type Style uint8

// The closed set of styles.
const (
	Plain Style = iota
	Header
	Muted     // of less interest: ids, times
	Running   // moves, or could
	Waiting   // for a signal, a timer, an operator
	Good      // ended well
	Bad       // failed
	Stopped   // canceled or terminated
	Attention // blocked, lost: somebody has to look
	OnlyA     // of a comparison: only on the one side
	OnlyB     // only on the other
	Changed   // on both, and not the same
)

// Cell is a piece of a table.
type Cell struct {
	Text  string
	Style Style
}

// Column is a column of a table.
type Column struct {
	// Key names it on the command line, Title heads it.
	Key, Title string
	// Right aligns numbers.
	Right bool
	// Min is how far it may shrink and Max how far it may grow when there is a width
	// to fit into; 0 means that it keeps its width, or has no limit.
	Min, Max int
	// Good is how wide it should be at least where one of the columns could go instead
	// that are good to have, those of a rank above goodToHave.
	Good int
	// Least is how wide it is at least where there is room, so that tables that are
	// printed one after the other line up.
	Least int
	// Rank says in which order columns give way when there is no room: those of the
	// highest rank first, those of rank 0 never.
	Rank int
	// Wide columns are for wide tables.
	Wide bool
	// Sign is for eyes only: its meaning is in another column, in words.
	Sign bool
	// Spare leaves it out where a width is to be fitted into and it holds nothing, unless
	// it has Least.
	Spare bool
	// Spill lets a text take the room of empty cells behind it.
	Spill bool
}

// Table is what there is to show.
type Table struct {
	Columns []Column
	Rows    [][]Cell
}

// Options say how to show something.
type Options struct {
	// Now is the store's time, from which ages count.
	Now time.Time
	// ASCII uses no other characters for signs.
	ASCII bool
	// Times says how points in time are shown.
	Times TimeMode
}

// TimeMode says how points in time are shown.
type TimeMode uint8

// The closed set of time modes.
const (
	Relative TimeMode = iota
	UTC
	Local
)

// sign is a glyph and what stands for it where there is only ASCII.
type sign struct{ glyph, ascii string }

// All of these are one cell wide and no emoji.
var (
	signRunning    = sign{"▷", ">"}
	signQueued     = sign{"○", "o"}
	signTimer      = sign{"◷", "t"}
	signSignal     = sign{"◇", "s"}
	signRetrying   = sign{"↻", "r"}
	signPaused     = sign{"‖", "="}
	signCompleted  = sign{"✓", "+"}
	signFailed     = sign{"✗", "x"}
	signCanceled   = sign{"⊘", "/"}
	signTerminated = sign{"■", "#"}
	signContinued  = sign{"»", "~"}
	signBlocked    = sign{"≠", "N"}
	signAttention  = sign{"!", "!"}
	signNone       = sign{"·", "."}
	signSame       = sign{"=", "="}
	signChanged    = sign{"~", "~"}
	signOnlyA      = sign{"-", "-"}
	signOnlyB      = sign{"+", "+"}
	signMoved      = sign{">", ">"}
	signFolded     = sign{"⋯", ":"}
	signRising     = sign{"↑", "^"}
	signFalling    = sign{"↓", "v"}
)

func (o Options) cell(s sign, style Style) Cell {
	if o.ASCII {
		return Cell{s.ascii, style}
	}
	return Cell{s.glyph, style}
}

// Arrow stands between the screens on the way back.
func (o Options) Arrow() string {
	if o.ASCII {
		return " > "
	}
	return " › "
}
