package main

import (
	_ "embed" // for help
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"eunomia.dev/bpf"
)

//go:embed help.txt
var help string

const (
	// argumentBytesLimit is as in execsnoop.bpf.c.
	argumentBytesLimit = 8192
	// bufferKiBMax: the kernel takes a u32 of bytes that is a power of two.
	bufferKiBMax = 1 << 20
)

// options is the command line.
type options struct {
	// pid is 0 for any; likewise parent.
	pid, parent uint32
	uid         uint32
	hasUID      bool
	// name ends with a NUL; empty: any.
	name             [16]byte
	durationNsMin    uint64
	forks, starts    bool
	time             bool
	argumentBytesMax uint32
	bufferBytes      uint32
}

// names of the options, short and long, in pairs.
var longNames = map[string]string{
	"-p": "--pid", "-P": "--parent", "-u": "--uid", "-n": "--name", "-m": "--min-duration",
	"-f": "--forks", "-s": "--starts", "-T": "--time", "-h": "--help",
}

// parse reads the command line; it ends the guest after --help.
func parse() (*options, error) {
	parsed := &options{argumentBytesMax: 1024, bufferBytes: 1 << 20}
	arguments := split(os.Args[min(1, len(os.Args)):])
	for len(arguments) > 0 {
		option := arguments[0]
		arguments = arguments[1:]
		value := func() (string, error) {
			if len(arguments) == 0 {
				return "", fmt.Errorf("missing argument for option '%s'", option)
			}
			next := arguments[0]
			arguments = arguments[1:]
			return next, nil
		}
		if err := parsed.set(option, value); err != nil {
			return nil, err
		}
	}
	if parsed.starts && (parsed.forks || parsed.durationNsMin > 0) {
		return nil, errors.New(
			"--starts cannot be used with --min-duration or --forks, which are about ends",
		)
	}
	return parsed, nil
}

// split separates what may be written together: -p5, -fT, --pid=5.
func split(arguments []string) []string {
	const flags = "fsTh"
	var words []string
	isValue := false
	for _, argument := range arguments {
		switch {
		case isValue:
			isValue = false
			words = append(words, argument)
		case strings.HasPrefix(argument, "--"):
			name, value, isThere := strings.Cut(argument, "=")
			words = append(words, name)
			if isThere {
				words = append(words, value)
			}
			isFlag := slices.Contains([]string{"--forks", "--starts", "--time", "--help"}, name)
			isValue = !isThere && !isFlag
		case strings.HasPrefix(argument, "-") && len(argument) > 1:
			rest := argument[1:]
			for rest != "" && strings.Contains(flags, rest[:1]) {
				words = append(words, "-"+rest[:1])
				rest = rest[1:]
			}
			if rest == "" {
				continue
			}
			words = append(words, "-"+rest[:1])
			rest = strings.TrimPrefix(rest[1:], "=")
			isValue = rest == ""
			if rest != "" {
				words = append(words, rest)
			}
		default:
			words = append(words, argument)
		}
	}
	return words
}

func (o *options) set(option string, value func() (string, error)) (err error) {
	name := option
	if long, isShort := longNames[option]; isShort {
		name = long
	}
	switch name {
	case "--pid":
		o.pid, err = number(value())
	case "--parent":
		o.parent, err = number(value())
	case "--uid":
		o.uid, err = number(value())
		o.hasUID = true
	case "--name":
		var text string
		text, err = value()
		if len(text) >= len(o.name) {
			return errors.New("a process name has at most 15 bytes")
		}
		o.name = [16]byte{}
		copy(o.name[:], text)
	case "--min-duration":
		o.durationNsMin, err = durationNs(value())
	case "--forks":
		o.forks = true
	case "--starts":
		o.starts = true
	case "--time":
		o.time = true
	case "--max-args":
		o.argumentBytesMax, err = number(value())
		o.argumentBytesMax = min(o.argumentBytesMax, argumentBytesLimit)
	case "--buffer-size":
		var kib uint32
		kib, err = number(value())
		o.bufferBytes = min(max(kib, 4), bufferKiBMax) << 10
	case "--help":
		fmt.Print(help)
		bpf.Exit(0)
	default:
		return fmt.Errorf("invalid option '%s'", option)
	}
	return err
}

func number(text string, err error) (uint32, error) {
	if err != nil {
		return 0, err
	}
	value, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("cannot parse argument %q: it is no number of 32 bits", text)
	}
	return uint32(value), nil
}

func durationNs(text string, err error) (uint64, error) {
	if err != nil {
		return 0, err
	}
	digits := strings.TrimRightFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	of := map[string]uint64{"s": 1e9, "ms": 1e6, "": 1e6, "us": 1e3}[text[len(digits):]]
	if of == 0 {
		return 0, errors.New("a time is a number with s, ms or us")
	}
	value, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, errors.New("a time is a whole number")
	}
	if value > math.MaxUint64/of {
		return 0, errors.New("that is more than 500 years")
	}
	return value * of, nil
}
