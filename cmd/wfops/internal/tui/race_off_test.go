//go:build !race

package tui

const underRace = 1
