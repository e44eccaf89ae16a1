// Package backends opens a store by its name, for programs that let their users
// choose. It is the one place that imports every adapter; a program that knows its
// store calls the adapter itself, and is smaller for it.
package backends
