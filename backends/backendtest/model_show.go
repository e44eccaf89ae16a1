package backendtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine/history"
)

// hidden are fields that stores fill as they like.
var hidden = []string{"Token", "ID:int64", "Next:time.Time", "Now"}

func showValue(v reflect.Value) string {
	if !v.IsValid() {
		return "nil"
	}
	switch x := v.Interface().(type) {
	case time.Time:
		if x.IsZero() {
			return "never"
		}
		return x.UTC().Truncate(time.Millisecond).Format("15:04:05.000")
	case history.Encoded:
		return showEvents(x)
	case error:
		return outcome(x)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return showValue(v.Elem())
	case reflect.Struct:
		return showStruct(v)
	case reflect.Map:
		var all []string
		for _, k := range v.MapKeys() {
			all = append(all, fmt.Sprintf("%v:%s", k, showValue(v.MapIndex(k))))
		}
		slices.Sort(all)
		return "{" + strings.Join(all, " ") + "}"
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return fmt.Sprintf("%q", v.Bytes())
		}
		var all []string
		for n := range v.Len() {
			all = append(all, showValue(v.Index(n)))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return fmt.Sprintf("%v", v)
}

// showStruct leaves out hidden and empty fields, so that reports can be read.
func showStruct(v reflect.Value) string {
	var all []string
	for n := range v.NumField() {
		f := v.Type().Field(n)
		if slices.Contains(hidden, f.Name) || slices.Contains(hidden, f.Name+":"+f.Type.String()) || v.Field(n).IsZero() {
			continue
		}
		if s := showValue(v.Field(n)); s != "[]" && s != "{}" && s != `""` {
			all = append(all, f.Name+":"+s)
		}
	}
	return "{" + strings.Join(all, " ") + "}"
}

func showEvents(enc history.Encoded) string {
	events, err := enc.Decode(1)
	if err != nil {
		return fmt.Sprintf("%q", string(enc))
	}
	var all []string
	for _, ev := range events {
		all = append(all, labelOf(ev))
	}
	return strings.Join(all, "+")
}
