//go:build race

package diagnostics_test

const raceEnabled = true
