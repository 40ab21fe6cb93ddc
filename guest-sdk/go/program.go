package bpf

import "strings"

// Program is a BPF program of an object.
type Program struct{ handle int32 }

// Program finds a program by its name.
func (o *Object) Program(name string) (*Program, error) {
	handle, err := ask(
		func() { abiObjectProgram(o.handle, textAt(name), uint32(len(name)), ret) }, takeHandle)
	if err != nil {
		return nil, err
	}
	return &Program{handle}, nil
}

// ProgramInfo describes a program.
type ProgramInfo struct {
	Name, Section string
	// Type is the number of `enum bpf_prog_type`, TypeName its name as libbpf prints it.
	Type         uint32
	TypeName     string
	AttachType   uint32
	AttachTarget string
	Autoload     bool
	Autoattach   bool
	// ID is the kernel's; 0 before load.
	ID uint32
}

const programInfoBytes = 48

func programInfo(i item) ProgramInfo {
	return ProgramInfo{
		i.text(0), i.text(8), i.u32(16), i.text(20), i.u32(28), i.text(32), i.flag(40), i.flag(41),
		i.u32(44),
	}
}

// Info describes the program.
func (p *Program) Info() ProgramInfo {
	return get(func() { abiProgramInfo(p.handle, ret) },
		func() ProgramInfo { return programInfo(item{ret}) })
}

// SetAutoload says whether Load also loads this program.
func (p *Program) SetAutoload(load bool) error {
	return call(func() { abiProgramSetAutoload(p.handle, flag(load), ret) })
}

// SetAutoattach says whether Object.Attach also attaches it.
func (p *Program) SetAutoattach(attach bool) error {
	return call(func() { abiProgramSetAutoattach(p.handle, flag(attach), ret) })
}

// SetAttachTarget chooses the kernel function that a BTF-typed program is verified against.
func (p *Program) SetAttachTarget(function string) error {
	return call(func() {
		abiProgramSetAttachTarget(p.handle, textAt(function), uint32(len(function)), ret)
	})
}

func flag(is bool) int32 {
	if is {
		return 1
	}
	return 0
}

// Attach attaches to where the section says.
func (p *Program) Attach() (*Link, error) { return p.attach(0, "") }

// AttachTo attaches to a target in the text form of `ecli run --attach`: see Target.
func (p *Program) AttachTo(target string) (*Link, error) { return p.attach(1, target) }

func (p *Program) attach(isSome int32, target string) (*Link, error) {
	const text = 20
	return newLink(ask(func() {
		abiProgramAttach(p.handle, isSome, text, addressOf(textAt(target)), int64(len(target)),
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ret)
	}, takeHandle))
}

// Target writes a target: Target("uprobe", "/bin/bash", "readline"), Target("xdp", "eth0"). What
// has a meaning in the text form is escaped in the fields.
func Target(kind string, fields ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, ":", `\:`, "@", `\@`, ",", `\,`, "+", `\+`,
		"*", `\*`, "?", `\?`)
	for _, field := range fields {
		kind += ":" + escape.Replace(field)
	}
	return kind
}

// ReplaceIn puts this program in the place of the one that the link holds, without a gap.
func (p *Program) ReplaceIn(l *Link) error {
	return call(func() { abiProgramReplaceIn(p.handle, l.handle, ret) })
}

// StoreIn puts this program into a slot of a program array, for tail calls.
func (p *Program) StoreIn(m *RawMap, index uint32) error {
	return call(func() { abiProgramStoreIn(p.handle, m.handle, index, ret) })
}

// RunInput is what a program gets when it is run by hand.
type RunInput struct {
	Data, Context []byte
	Repeat, Flags uint32
	// CPU is where it runs, if OnCPU.
	CPU       uint32
	OnCPU     bool
	BatchSize uint32
}

// RunOutput is what it left.
type RunOutput struct {
	ReturnValue   uint32
	Data, Context []byte
	DurationNs    uint32
}

// TestRun runs the program now; the only way to run SEC("syscall") programs.
func (p *Program) TestRun(input RunInput) (*RunOutput, error) {
	return ask(func() {
		abiProgramTestRun(p.handle, bytesAt(input.Data), uint32(len(input.Data)),
			bytesAt(input.Context), uint32(len(input.Context)), input.Repeat, input.Flags,
			flag(input.OnCPU), input.CPU, input.BatchSize, ret)
	}, func() *RunOutput {
		return &RunOutput{u32(4), listAt(8).copied(), listAt(16).copied(), u32(24)}
	})
}

// ProgramStatistics counts the runs of a program.
type ProgramStatistics struct{ RunCount, RunTimeNs, RecursionMisses uint64 }

// Statistics counts runs while the kernel's statistics are on.
func (p *Program) Statistics() (ProgramStatistics, error) {
	return askAt(8, func() { abiProgramStatistics(p.handle, ret) }, func() ProgramStatistics {
		return ProgramStatistics{u64(8), u64(16), u64(24)}
	})
}
