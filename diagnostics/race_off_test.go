//go:build !race

package diagnostics_test

const raceEnabled = false
