//go:build !race

package cli_test

const hugePayload = 10 << 20
