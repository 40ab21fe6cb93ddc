// Package tests prints values as the guests in Rust do, whose words the cases of the contract have.
package tests

import (
	"errors"
	"fmt"
	"strings"

	"eunomia.dev/bpf"
)

// Code says how a call ended.
func Code(err error) string {
	if err == nil {
		return "ok"
	}
	var failure *bpf.Error
	if !errors.As(err, &failure) {
		return err.Error()
	}
	name := "ErrorCode::"
	for _, word := range strings.Split(failure.Code.Error(), "-") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return name
}

// Result says the same as a result that holds nothing.
func Result(err error) string {
	if err == nil {
		return "Ok(())"
	}
	return "Err(" + Code(err) + ")"
}

// Some is a value that may be absent.
func Some(value any, isThere bool) string {
	if !isThere {
		return "None"
	}
	return fmt.Sprintf("Some(%v)", value)
}

// List is a list of values.
func List[T any](values []T) string {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = fmt.Sprint(value)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// Quoted is a list of texts.
func Quoted(values []string) string {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = fmt.Sprintf("%q", value)
	}
	return List(words)
}

// Must ends the guest when a call failed that must not.
func Must(err error) {
	if err != nil {
		bpf.Fail(err)
	}
}

// Get is the value of a call that must not fail.
func Get[T any](value T, err error) T {
	Must(err)
	return value
}
