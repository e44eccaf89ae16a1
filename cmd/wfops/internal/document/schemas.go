package document

// The schemas of what no type here is the form of, and of payloads.
const (
	SchemaHistory = "wfops.history/v1"
	SchemaData    = "wfops.data/v1"
	SchemaValue   = "wfops.value/v1"
	SchemaProfile = "wfops.profile/v1"
	SchemaDoctor  = "wfops.doctor/v1"
	SchemaVersion = "wfops.version/v1"
)

// Schema is a schema and who writes documents of it.
type Schema struct{ Schema, By string }

// Schemas returns every schema, for help.
func Schemas() []Schema {
	return []Schema{
		{SchemaList, "list -o json: items are instances; next is for --cursor"},
		{SchemaInstance, "list -o jsonl and -o yaml, wait"},
		{SchemaCounts, "list --count"},
		{SchemaChange, "list --watch into a pipe: change is added, changed or gone"},
		{SchemaDetail, "get, pending: an instance with what it has under way"},
		{SchemaHistory, "history -o json: events are in the wire format of histories"},
		{SchemaEvent, "history -o jsonl and -o yaml"},
		{SchemaTree, "tree: an instance with its children"},
		{SchemaData, "data -o json: values are payloads"},
		{SchemaValue, "data -o jsonl and -o yaml"},
		{SchemaTimeline, "timeline"},
		{SchemaDiff, "diff"},
		{SchemaReplay, "replay: of one history"},
		{SchemaReplays, "replay -o json: of several"},
		{SchemaTrace, "trace"},
		{SchemaQueue, "queues"},
		{SchemaWorker, "workers"},
		{SchemaHealth, "health"},
		{SchemaOutcome, "signal, cancel, terminate, retry, pause, resume, remove"},
		{SchemaProfile, "ctx"},
		{SchemaDoctor, "doctor"},
		{SchemaVersion, "version"},
		{SchemaError, "what went wrong, on standard error"},
	}
}
