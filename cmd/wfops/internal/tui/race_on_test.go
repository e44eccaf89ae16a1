//go:build race

package tui

// underRace is how many times slower everything is with the race detector.
const underRace = 10
