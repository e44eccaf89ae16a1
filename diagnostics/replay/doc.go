// Package replay runs workflow code that is compiled into another program: a console
// can't load Go code, so it starts the user's own binary as a child and has it replay
// histories.
//
// # In the program
//
// One line makes a worker's program a replayer. It comes first in main, before flags
// are parsed and stores are opened:
//
//	func main() {
//		replay.Serve(registry(), replay.WithSettings(shared()))
//		…
//
// It returns at once unless the program was started as a replayer.
//
// # In the console
//
// [Start] starts children of a binary, and [Replayer.Replay] has one of them replay a
// bundle.
//
// A replayer is no sandbox. It runs the program: what package-level variables and init
// functions do happens in the child too, and workflow code can do whatever Go code
// can. What is made sure is that it does not work for real by accident:
//
//   - A file that does not hold the marker of Serve is not started.
//   - The child has the variable engine.ReplayVariable set. Under it all adapters
//     refuse to open a store that outlives the process, clients refuse every call and
//     workers refuse to start.
//   - Its environment is scrubbed, so that it has no connection strings, and its working
//     directory is new and empty.
//   - It is ended when it takes too long or too much memory. What hangs, crashes or
//     exits is charged to the instance that was running, and the next one gets a new
//     child.
//
// # Protocol
//
// The child speaks first. Everything on its standard output before the first frame is
// the program's own output. From then on its standard output is its standard error, and
// its standard input is empty, so that frames have both pipes for themselves. Both
// sides put the nonce of the variable in front of every frame:
//
//	nonce   32 bytes
//	kind    1 byte: H hello, R request, B begun, A answer, M out of memory
//	number  4 bytes, big-endian: of the request; 0 in hello
//	length  4 bytes, big-endian
//	body    JSON; a request's is one line of options, and then a bundle
//
// The child says B before it runs the code of a request, so that whatever ends it is
// charged to the right one, and A after that. End of input ends it. The frame of hello
// and its fields "protocol" and "version" stay as they are in all versions.
package replay
