// Package view turns what ops answers into tables: columns, and cells with a text and
// a semantic style. Its functions are pure; the time comes in with the options.
//
// Texts of cells are as the store has them: anybody's. Who prints a table lays it out
// with Layout or takes texts through Escape, after which they hold no character that
// could move a cursor, change a color or turn the direction of writing. A terminal
// library that reads markup of its own needs one more step, which is its user's.
package view
