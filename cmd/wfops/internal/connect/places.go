package connect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Origin says how a place became known.
type Origin string

// The closed set of origins, in the order in which places are shown.
const (
	FromProfile     Origin = "profile"
	FromEnvironment Origin = "WFOPS_DSN"
	FromFolder      Origin = "this folder"
)

// Place is a store that could be opened.
type Place struct {
	// Name is what opens it, in place of a store on a command line: the name of a
	// profile or a file, or a connection string.
	Name   string
	Origin Origin
	// Target is where it is. Its password has not been fetched.
	Target Target
	// Profile is set if Origin is FromProfile.
	Profile Profile
	// Err is why it can't be opened as it is written.
	Err error
}

// Places returns the stores of profiles, the one that WFOPS_DSN names, and those in
// files of a folder. Nothing is opened, and no password is fetched: a command or a
// keyring may want to ask somebody.
func Places(profiles []Profile, dir string, o Options, getenv func(string) string) []Place {
	var all []Place
	for _, p := range profiles {
		target, err := p.bare(o)
		all = append(all, Place{Name: p.Name, Origin: FromProfile, Target: target, Profile: p, Err: err})
	}
	add := func(name string, from Origin) {
		target, err := Parse(name, o)
		all = append(all, Place{Name: name, Origin: from, Target: target, Err: err})
	}
	if dsn := getenv("WFOPS_DSN"); dsn != "" && !slices.ContainsFunc(profiles, func(p Profile) bool { return p.Name == dsn }) {
		add(dsn, FromEnvironment)
	}
	for _, name := range found(dir) {
		add(name, FromFolder)
	}
	return all
}

// bare is Target without the password.
func (p Profile) bare(o Options) (Target, error) {
	o.profile, o.profileMode = p.Name, p.Mode
	return Parse(p.DSN, o)
}

// mostFound is how many files of a folder are shown.
const mostFound = 50

// found returns the files of a folder that are stores, or exported histories by how
// they are called. Those of other programs are left alone. A folder that can't be read
// has none.
func found(dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || len(names) == mostFound {
			continue
		}
		bundle := strings.HasSuffix(name, ".wfh") || strings.HasSuffix(name, ".wfh.gz")
		if bundle || isFile(name) && held.orLook(filepath.Join(dir, name), isOurs) {
			names = append(names, "."+string(filepath.Separator)+name)
		}
	}
	return names
}

// What the header of an SQLite database holds, and where: see the page "Database File
// Format" of SQLite. To open one would leave traces beside a stranger's file.
const (
	sqliteMagic    = "SQLite format 3\x00"
	sqliteHeader   = 100
	sqliteLog      = 19 // 2 if changes are in a log beside the file
	sqliteProgram  = 68
	sqliteWriteLog = 2
	ours           = 0x77666f70
)

// isOurs reports whether a file is a store. One that has just been created may have its
// header in the log only: it counts as well.
func isOurs(path string) bool {
	f, err := os.Open(path) //nolint:gosec // in the user's folder
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was only read
	header := make([]byte, sqliteHeader)
	if _, err := io.ReadFull(f, header); err != nil || !bytes.HasPrefix(header, []byte(sqliteMagic)) {
		return false
	}
	program := binary.BigEndian.Uint32(header[sqliteProgram:])
	if program != 0 || header[sqliteLog] != sqliteWriteLog {
		return program == ours
	}
	return logHolds(path + "-wal")
}

// logHolds looks for our mark in the pages of a log.
func logHolds(path string) bool {
	raw, err := os.Open(path) //nolint:gosec // beside a file in the user's folder
	if errors.Is(err, os.ErrNotExist) || err != nil {
		return false
	}
	defer func() { _ = raw.Close() }() // it was only read
	head := make([]byte, 1<<20)
	n, _ := io.ReadFull(raw, head)
	at := bytes.Index(head[:n], []byte(sqliteMagic))
	return at >= 0 && at+sqliteHeader <= n && binary.BigEndian.Uint32(head[at+sqliteProgram:]) == ours
}

// Kind names the kind of store that a connection string is for.
func (t Target) Kind() string {
	scheme, _, found := strings.Cut(t.dsn, ":")
	switch {
	case IsBundle(t.dsn):
		return "history"
	case t.file != "", inMemory(t.dsn):
		return "sqlite"
	case !found:
		return ""
	case scheme == "postgresql":
		return "postgres"
	}
	kind, _, _ := strings.Cut(strings.Replace(scheme, "rediss", "redis", 1), "-")
	return kind
}

// quick is how large a file may be to be looked into without being asked to: one that
// no program has open is copied to be read.
const quick = 32 << 20

// Quick reports whether the store can be tried without asking anybody for a password,
// and at once: it is a file that is not large.
func (t Target) Quick() bool {
	path := t.file
	if IsBundle(t.dsn) {
		path = t.dsn
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() <= quick
}

// Reopened is the mode that the target would have with other options.
func (t Target) Reopened(o Options, p Profile) Mode {
	o.profile, o.profileMode = p.Name, p.Mode
	mode, _ := t.decide(o)
	return mode
}

// ReplayerPath returns where the replayer is: beside the configuration, unless that
// says otherwise, or in PATH if it is a bare name.
func (p Profile) ReplayerPath(getenv func(string) string) string {
	if p.Replayer == "" || !strings.ContainsAny(p.Replayer, `/\`) {
		return p.Replayer
	}
	return p.path(p.Replayer, getenv)
}
