// Package wfops is the root of an embedded engine for durable workflows. It
// holds no code; the engine is in the packages below, and a program imports
// those it needs.
//
// For authors:
//
//   - engine/workflow: what workflow functions are written with
//   - engine/activity: what activity functions may ask about their attempt
//   - engine/tester: unit tests of workflows, with time travel
//
// For programs:
//
//   - worker: runs workflows and activities
//   - client: starts, signals, cancels, waits for and lists instances
//   - engine/registry: names of workflow and activity functions
//   - engine/settings: what client and worker have to agree on
//   - backends/sqlite, backends/postgres, backends/mysql, backends/redis,
//     backends/memory: stores; package backends opens one by its DSN
//
// For authors of stores:
//
//   - engine/backend: the port, the contract that every store fulfills
//   - backends/backendtest: the suite that proves it
//
// What may import what is a table in layout_test.go, and docs/adr tells why.
package wfops
