package bpf

import "io"

// Link is an attached program. It stays attached until Close or the guest's end.
type Link struct{ handle int32 }

func newLink(handle int32, err error) (*Link, error) {
	if err != nil {
		return nil, err
	}
	return &Link{handle}, nil
}

// LinkInfo describes a link.
type LinkInfo struct {
	// Name is that of the program that is attached.
	Name string
	// Type is the number of `enum bpf_link_type`; 0 where the kernel has no link for it.
	Type uint32
	// Targets are where, in the text form of `ecli run --attach`.
	Targets []string
	// IDs are the kernel's.
	IDs []uint32
}

// Info describes the link.
func (l *Link) Info() LinkInfo {
	return get(func() { abiLinkInfo(l.handle, ret) }, func() LinkInfo {
		ids := items(listAt(20), 4, func(i item) uint32 { return i.u32(0) })
		return LinkInfo{listAt(0).text(), u32(8), texts(listAt(12)), ids}
	})
}

// Close detaches.
func (l *Link) Close() { abiLinkDrop(l.handle) }

// Keep leaves it attached until the guest ends, also after Close.
func (l *Link) Keep() { abiLinkKeep(l.handle) }

// Detach detaches and says how that went.
func (l *Link) Detach() error { return call(func() { abiLinkDetach(l.handle, ret) }) }

// Iterate runs an attached iterator program from the start, to read what it writes.
func (l *Link) Iterate() (io.ReadCloser, error) {
	handle, err := ask(func() { abiLinkIterate(l.handle, ret) }, takeHandle)
	if err != nil {
		return nil, err
	}
	return &iteration{handle}, nil
}

// iteration is the stream that an iterator program writes.
type iteration struct{ handle int32 }

// Read runs the program until it has written something.
func (i *iteration) Read(into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	calls.Lock()
	defer calls.Unlock()
	scratch.begin()
	abiStreamRead(i.handle, int64(min(len(into), 1<<20)), ret)
	scratch.end()
	if u8(0) == 0 {
		return copy(into, listAt(4).bytes()), nil
	}
	const closed = 1
	if u8(4) == closed {
		return 0, io.EOF
	}
	failure := int32(u32(8))
	scratch.begin()
	abiStreamError(failure, ret)
	scratch.end()
	message := listAt(0).text()
	abiStreamErrorDrop(failure)
	return 0, &Error{Code: ErrOther, Message: "read an iterator: " + message}
}

// Close ends the iteration.
func (i *iteration) Close() error {
	abiStreamDrop(i.handle)
	return nil
}
