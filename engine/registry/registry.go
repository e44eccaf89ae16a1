// Package registry maps names to workflow and activity functions.
//
// # Names
//
// Unless WithName says otherwise, a function is registered under its own name
// without its package, and a method as Type.Method. A method is found under its
// own name too, as long as only one type has one of that name. Whoever passes the
// function itself need not know the name. Names are what histories record: renaming
// a function renames the workflow, so register the new function under the old name.
//
// # Functions
//
// A workflow takes a workflow.Context and any number of arguments; an activity
// takes a context.Context, which may be missing, and any number of arguments. Both
// return an error, or a result and an error. The last parameter may be variadic.
package registry

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/wfops/wfops/engine"
)

// Registry holds workflow and activity functions by name. It is safe for
// concurrent use. One Registry can serve workers, replays and tests.
type Registry struct {
	workflows  table
	activities table
}

// New returns an empty Registry.
func New() *Registry {
	return &Registry{workflows: newTable(workflowKind), activities: newTable(activityKind)}
}

// RegisterOption is an option of RegisterWorkflow and RegisterActivity.
type RegisterOption interface{ apply(*registerOptions) }

type registerOptions struct{ name string }

type nameOption string

func (n nameOption) apply(o *registerOptions) { o.name = string(n) }

// WithName registers a function under name. For a struct, name takes the place of
// the type: its methods are registered as name.Method.
func WithName(name string) RegisterOption { return nameOption(name) }

// RegisterWorkflow registers a function, or every exported method of a pointer to
// a struct. Nothing is registered if there is an error: *ErrInvalidWorkflow for
// what is no workflow function, *ErrWorkflowAlreadyRegistered for a name that is
// taken, also by the same function.
func (r *Registry) RegisterWorkflow(workflow any, opts ...RegisterOption) error {
	return r.workflows.register(workflow, opts)
}

// RegisterActivity is RegisterWorkflow for activities. Its errors are
// *ErrInvalidActivity and *ErrActivityAlreadyRegistered.
func (r *Registry) RegisterActivity(activity any, opts ...RegisterOption) error {
	return r.activities.register(activity, opts)
}

// GetWorkflow returns the function that is registered as name, or an error that
// wraps engine.ErrNotRegistered and names what was perhaps meant.
func (r *Registry) GetWorkflow(name string) (any, error) {
	e, err := r.workflows.find(name)
	if err != nil {
		return nil, err
	}
	return e.sig.fn.Interface(), nil
}

// GetActivity is GetWorkflow for activities.
func (r *Registry) GetActivity(name string) (any, error) {
	e, err := r.activities.find(name)
	if err != nil {
		return nil, err
	}
	return e.sig.fn.Interface(), nil
}

// Workflow returns the workflow that is registered as name. Its error is that of
// GetWorkflow.
func (r *Registry) Workflow(name string) (*Workflow, error) {
	e, err := r.workflows.find(name)
	if err != nil {
		return nil, err
	}
	return (*Workflow)(e), nil
}

// Activity returns the activity that is registered as name. Its error is that of
// GetActivity.
func (r *Registry) Activity(name string) (*Activity, error) {
	e, err := r.activities.find(name)
	if err != nil {
		return nil, err
	}
	return (*Activity)(e), nil
}

// Workflows returns the registered names, sorted.
func (r *Registry) Workflows() []string { return r.workflows.names() }

// Activities returns the registered names, sorted.
func (r *Registry) Activities() []string { return r.activities.names() }

// ResolveWorkflow returns the name under which wf, a function or a name, is
// registered, and checks args against the function where it is known: the
// registered one, or else wf itself. A name that isn't registered here is returned
// as it is, for another process may know it. Its error wraps
// engine.ErrInvalidArgument and says which argument is wrong and why.
func (r *Registry) ResolveWorkflow(wf any, args []any) (name string, err error) {
	return r.workflows.resolve(wf, args)
}

// ResolveActivity is ResolveWorkflow for activities.
func (r *Registry) ResolveActivity(act any, args []any) (name string, err error) {
	return r.activities.resolve(act, args)
}

// CheckArgs checks args against a workflow function as ResolveWorkflow does, without
// a registry. A name passes.
func CheckArgs(wf any, args []any) error {
	_, err := New().ResolveWorkflow(wf, args)
	return err
}

// entry is a registered function.
type entry struct {
	name string
	sig  *signature
}

// table holds the entries of one kind.
type table struct {
	kind *kind

	mu     sync.RWMutex
	byName map[string]*entry
	// byMethod and byFunc are the other ways to find an entry: by the method's own
	// name, and by the name of the function with its package. Both may be ambiguous.
	byMethod map[string][]*entry
	byFunc   map[string][]*entry
}

func newTable(k *kind) table {
	return table{kind: k, byName: map[string]*entry{}, byMethod: map[string][]*entry{}, byFunc: map[string][]*entry{}}
}

// candidate is a function on its way into a table.
type candidate struct {
	entry  *entry
	source string // with its package
	method string // own name, if it is a method
}

func (t *table) register(fn any, opts []RegisterOption) error {
	var o registerOptions
	for _, opt := range opts {
		opt.apply(&o)
	}
	cs, err := t.candidates(fn, o.name)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range cs {
		if _, taken := t.byName[c.entry.name]; taken {
			return t.kind.taken(fmt.Sprintf("%s %q is registered already; give %s another name with registry.WithName", t.kind.name, c.entry.name, c.source))
		}
	}
	for _, c := range cs {
		t.byName[c.entry.name] = c.entry
		if c.source != "" {
			t.byFunc[c.source] = append(t.byFunc[c.source], c.entry)
		}
		if c.method != "" {
			t.byMethod[c.method] = append(t.byMethod[c.method], c.entry)
		}
	}
	return nil
}

func (t *table) candidates(fn any, name string) ([]candidate, error) {
	v := reflect.ValueOf(fn)
	if !v.IsValid() {
		return nil, t.kind.invalid(fmt.Sprintf("nil is no %s", t.kind.name))
	}
	if v.Kind() != reflect.Func {
		return t.methods(v, name)
	}
	if v.IsNil() {
		return nil, t.kind.invalid(fmt.Sprintf("a nil %s is no %s", v.Type(), t.kind.name))
	}
	source := sourceOf(v)
	c := candidate{source: source.full, method: source.method, entry: &entry{name: cmp.Or(name, source.name)}}
	if c.entry.name == "" {
		return nil, t.kind.invalid(fmt.Sprintf("a %s that was made by package reflect has no name; give it one with registry.WithName", v.Type()))
	}
	return t.checked(v, c)
}

func (t *table) methods(v reflect.Value, name string) ([]candidate, error) {
	typ := v.Type()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || v.NumMethod() == 0 {
		return nil, t.kind.invalid(fmt.Sprintf("a %s is no %s: it is neither a function nor a pointer to a struct with exported methods", v.Type(), t.kind.name))
	}
	source := withoutTypeArgs(typ.Name())
	if name == "" {
		name = source
	}
	var all []candidate
	for i := range v.NumMethod() {
		m := v.Type().Method(i).Name
		cs, err := t.checked(v.Method(i), candidate{
			source: typ.PkgPath() + "." + source + "." + m,
			method: m,
			entry:  &entry{name: name + "." + m},
		})
		if err != nil {
			return nil, err
		}
		all = append(all, cs...)
	}
	return all, nil
}

func (t *table) checked(fn reflect.Value, c candidate) ([]candidate, error) {
	if err := engine.CheckName(t.kind.nameOf, c.entry.name); err != nil {
		return nil, t.kind.invalid(err.Error())
	}
	sig, problem := t.kind.inspect(fn)
	if problem != "" {
		return nil, t.kind.invalid(fmt.Sprintf("%s %q (%s) %s", t.kind.name, c.entry.name, fn.Type(), problem))
	}
	c.entry.sig = sig
	return []candidate{c}, nil
}

// find returns the entry of a name.
func (t *table) find(name string) (*entry, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if e, ok := t.byName[name]; ok {
		return e, nil
	}
	switch es := t.byMethod[name]; len(es) {
	case 0:
		return nil, fmt.Errorf("%w: %s %q%s", engine.ErrNotRegistered, t.kind.name, name, suggest(name, slices.Collect(maps.Keys(t.byName))))
	case 1:
		return es[0], nil
	default:
		return nil, fmt.Errorf("%w: %s %q can be any of %s; use the full name", engine.ErrNotRegistered, t.kind.name, name, quoted(entryNames(es)))
	}
}

func (t *table) names() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Sorted(maps.Keys(t.byName))
}

func (t *table) resolve(fn any, args []any) (string, error) {
	if name, ok := fn.(string); ok {
		return t.resolveName(name, args)
	}
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return "", fmt.Errorf("%w: a %s is passed as a function or by its name, not as a %T", engine.ErrInvalidArgument, t.kind.name, fn)
	}
	source := sourceOf(v)
	if source.name == "" {
		return "", fmt.Errorf("%w: a %s that was made by package reflect has no name; pass the name that the %s is registered under",
			engine.ErrInvalidArgument, v.Type(), t.kind.name)
	}
	if e := t.bySource(source); e != nil {
		return e.name, t.kind.checkArgs(e.name, e.sig, args)
	}
	sig, problem := t.kind.inspect(v)
	if problem != "" {
		return "", fmt.Errorf("%w: %s %q (%s) %s", engine.ErrInvalidArgument, t.kind.name, source.name, v.Type(), problem)
	}
	return source.name, t.kind.checkArgs(source.name, sig, args)
}

func (t *table) resolveName(name string, args []any) (string, error) {
	t.mu.RLock()
	e, ok := t.byName[name]
	es := t.byMethod[name]
	t.mu.RUnlock()
	switch {
	case ok:
	case len(es) == 1:
		e = es[0]
	case len(es) > 1:
		return "", fmt.Errorf("%w: %s %q can be any of %s; use the full name", engine.ErrInvalidArgument, t.kind.name, name, quoted(entryNames(es)))
	default:
		return name, engine.CheckName(t.kind.nameOf, name)
	}
	return e.name, t.kind.checkArgs(e.name, e.sig, args)
}

// bySource returns the entry that a function is registered under, if it is one
// and certain. A promoted method goes by the type that declares it, so that only
// its own name leads to the struct that was registered.
func (t *table) bySource(s source) *entry {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if es := t.byFunc[s.full]; len(es) == 1 {
		return es[0]
	}
	if e, ok := t.byName[s.name]; ok {
		return e
	}
	if es := t.byMethod[s.method]; len(es) == 1 {
		return es[0]
	}
	return nil
}

func entryNames(es []*entry) []string {
	names := make([]string, len(es))
	for i, e := range es {
		names[i] = e.name
	}
	slices.Sort(names)
	return names
}
