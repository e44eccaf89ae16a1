// Package fleet reads histories and replays many of them in a user's program: those of
// a filter, or some that are named. The command line prints what it yields, and the
// screens draw it.
//
// It only reads: stores through package ops, and files. What it writes are the files of
// histories that Runner.ExportTo asks for.
package fleet
