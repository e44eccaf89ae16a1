package history

// Subject is the name of what a command is about, by which it is recognized: of the
// activity, timer or change; of a child or a signal with the id of the instance.
func Subject(b Body) string {
	switch b := b.(type) { //nolint:gochecksumtype // other kinds have no target
	case ActivityScheduled:
		return b.Name
	case TimerScheduled:
		return b.Name
	case ChildScheduled:
		return b.Workflow + " " + b.Instance.InstanceID
	case SignalSent:
		return b.Name + " " + b.InstanceID
	case MutableSideEffectRecorded:
		return b.ID
	case VersionMarked:
		return b.ChangeID
	}
	return ""
}

// SiteOf returns the call site that b holds, if it has one.
func SiteOf(b Body) Site {
	switch b := b.(type) { //nolint:gochecksumtype // other kinds have no call site
	case ActivityScheduled:
		return b.Site
	case ActivityCanceled:
		return b.Site
	case TimerScheduled:
		return b.Site
	case TimerCanceled:
		return b.Site
	case ChildScheduled:
		return b.Site
	case ChildCancelRequested:
		return b.Site
	case SignalSent:
		return b.Site
	case SideEffectRecorded:
		return b.Site
	case MutableSideEffectRecorded:
		return b.Site
	case VersionMarked:
		return b.Site
	case WorkflowContinuedAsNew:
		return b.Site
	}
	return Site{}
}
