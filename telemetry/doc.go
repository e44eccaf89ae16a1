// Package telemetry makes OpenTelemetry traces and metrics of workflows. It is the
// only package of the library that imports OpenTelemetry.
//
// Telemetry is a setting, given once to client and worker:
//
//	t, shutdown, err := telemetry.Setup(ctx) // exporters as the OTEL_* variables say
//	s := settings.Settings{Telemetry: t}
//
// # How spans come about
//
// What a workflow does is emitted from its events, once they are durable: a replay, a
// refused commit or a second worker emits nothing twice. The ids of these spans depend
// on the execution and the event alone, so that a span which begins in one process
// and ends in another, or after a crash, is one span with the right parent. What a
// process had committed and not exported when it was killed is missing; FromHistory
// makes it of the stored events.
//
// Whether a trace is sampled is decided once, when the workflow is created, and stored
// with it. All spans follow that decision, in whatever process they are made.
package telemetry
