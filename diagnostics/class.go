package diagnostics

// Class is what a difference between history and code is called.
type Class string

// The closed set of classes. Each has a page in docs/nondeterminism.
const (
	ClassName         Class = "NAME"         // another name of the same kind
	ClassKind         Class = "KIND"         // a command of another kind
	ClassInput        Class = "INPUT"        // the same command with other arguments
	ClassMissing      Class = "MISSING"      // history has more
	ClassExtra        Class = "EXTRA"        // the code has more
	ClassOrder        Class = "ORDER"        // the same commands at another time
	ClassTimer        Class = "TIMER"        // another duration
	ClassOptions      Class = "OPTIONS"      // other options
	ClassPanic        Class = "PANIC"        // the code panics
	ClassEarlyEnd     Class = "EARLY_END"    // the code ends before history does
	ClassHang         Class = "HANG"         // the code does not give way
	ClassVersion      Class = "VERSION"      // a change of versions that this code does not support
	ClassDecode       Class = "DECODE"       // a value that can't be read
	ClassUnregistered Class = "UNREGISTERED" // no such workflow in this program
	ClassRandom       Class = "RANDOM"       // the code does not do the same twice
)

// Classes returns all classes.
func Classes() []Class {
	return []Class{
		ClassName, ClassKind, ClassInput, ClassMissing, ClassExtra, ClassOrder, ClassTimer, ClassOptions, ClassPanic, ClassEarlyEnd, ClassHang, ClassVersion, ClassDecode, ClassUnregistered, ClassRandom,
	}
}

// Page is where the class is described, from the root of the repository.
func (c Class) Page() string { return "docs/nondeterminism/" + string(c) + ".md" }
