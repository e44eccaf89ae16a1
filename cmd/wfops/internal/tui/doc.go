// Package tui is the console on a terminal.
//
// One loop owns everything that is shown: it takes keys, answers of the store and the
// ticks of a clock one after the other, and draws. What takes time runs beside it (ask)
// and hands back a value, never a reference to something that is shown; the loop never
// waits for a store. Screens draw on a grid of cells, which knows no terminal: the loop
// copies it to one, and tests read it.
//
//	keys ──────────────┐
//	answers ─► queue ──┼─► loop ─► screen.do, screen.draw ─► grid ─► terminal
//	clock ─────────────┘     └───► ask ─► ops
//
// Texts of strangers become harmless where they are put on the grid, see package grid.
// What a key does is looked up in package command, which makes the help as well.
package tui
