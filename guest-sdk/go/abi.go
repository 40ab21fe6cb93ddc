package bpf

import "unsafe"

// The contract (wit/) as WebAssembly sees it: every imported function in the form that the
// component model's canonical ABI gives it. `ecli build` checks each signature against the WIT.
// Results that do not fit into one number go to memory that the last parameter points to.

// addressOf is the address of what a list holds, as a member of a variant.
func addressOf(at unsafe.Pointer) int64 { return int64(uintptr(at)) }

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 list-objects
func abiListObjects(ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [static]bpf-object.open
func abiObjectOpen(name unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [resource-drop]bpf-object
func abiObjectDrop(self int32)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.program
func abiObjectProgram(self int32, name unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.map
func abiObjectMap(self int32, name unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.get-global
func abiObjectGetGlobal(self int32, name unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.set-global
func abiObjectSetGlobal(self int32, name unsafe.Pointer, nameBytes uint32, value unsafe.Pointer,
	bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.load
func abiObjectLoad(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.attach
func abiObjectAttach(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.attach-struct-ops
func abiObjectAttachStructOps(self int32, m int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.programs
func abiObjectPrograms(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.maps
func abiObjectMaps(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.globals
func abiObjectGlobals(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]bpf-object.btf
func abiObjectBTF(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [resource-drop]program
func abiProgramDrop(self int32)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]program.info
func abiProgramInfo(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]program.set-autoload
func abiProgramSetAutoload(self int32, load int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]program.set-autoattach
func abiProgramSetAutoattach(self int32, attach int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]program.set-attach-target
func abiProgramSetAttachTarget(self int32, name unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

// All cases of `target` share the places of their members; of the case `text` the first two are the
// address and the length.
//
//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]program.attach
func abiProgramAttach(self int32, isSome int32, kind int32, p0, p1, p2, p3, p4, p5 int64, p6,
	p7 int32, p8, p9 int64, p10, p11, p12 int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]program.test-run
func abiProgramTestRun(self int32, data unsafe.Pointer, dataBytes uint32, context unsafe.Pointer,
	contextBytes uint32, repeat uint32, flags uint32, hasCPU int32, cpu uint32, batchSize uint32,
	ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]program.replace-in
func abiProgramReplaceIn(self int32, link int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]program.store-in
func abiProgramStoreIn(self int32, m int32, index uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [method]program.statistics
func abiProgramStatistics(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/attach@0.1.0 [resource-drop]link
func abiLinkDrop(self int32)

//go:wasmimport eunomia:bpf/attach@0.1.0 [method]link.keep
func abiLinkKeep(self int32)

//go:wasmimport eunomia:bpf/attach@0.1.0 [method]link.detach
func abiLinkDetach(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/attach@0.1.0 [method]link.info
func abiLinkInfo(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/attach@0.1.0 [method]link.iterate
func abiLinkIterate(self int32, ret unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.12 [method]input-stream.blocking-read
func abiStreamRead(self int32, bytes int64, ret unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.12 [resource-drop]input-stream
func abiStreamDrop(self int32)

//go:wasmimport wasi:io/error@0.2.12 [method]error.to-debug-string
func abiStreamError(self int32, ret unsafe.Pointer)

//go:wasmimport wasi:io/error@0.2.12 [resource-drop]error
func abiStreamErrorDrop(self int32)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [resource-drop]cursor
func abiCursorDrop(self int32)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]cursor.next
func abiCursorNext(self int32, entriesMax uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [resource-drop]bpf-map
func abiMapDrop(self int32)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.info
func abiMapInfo(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.set-max-entries
func abiMapSetMaxEntries(self int32, entries uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.set-value-size
func abiMapSetValueSize(self int32, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.set-map-type
func abiMapSetMapType(self int32, mapType uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.set-autocreate
func abiMapSetAutocreate(self int32, create int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.set-pin-name
func abiMapSetPinName(self int32, name unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.lookup
func abiMapLookup(self int32, key unsafe.Pointer, bytes uint32, flags uint64, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.update
func abiMapUpdate(self int32, key unsafe.Pointer, keyBytes uint32, value unsafe.Pointer,
	bytes uint32, flags uint64, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.delete
func abiMapDelete(self int32, key unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.lookup-and-delete
func abiMapLookupAndDelete(self int32, key unsafe.Pointer, bytes uint32, flags uint64,
	ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.next-key
func abiMapNextKey(self int32, hasKey int32, key unsafe.Pointer, bytes uint32,
	ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.lookup-inner
func abiMapLookupInner(self int32, key unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.update-inner
func abiMapUpdateInner(self int32, key unsafe.Pointer, bytes uint32, inner int32,
	flags uint64, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.create-inner
func abiMapCreateInner(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.read-memory
func abiMapReadMemory(self int32, offset uint64, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.write-memory
func abiMapWriteMemory(self int32, offset uint64, data unsafe.Pointer, bytes uint32,
	ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.freeze
func abiMapFreeze(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.iterate
func abiMapIterate(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.drain
func abiMapDrain(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.update-batch
func abiMapUpdateBatch(self int32, keys unsafe.Pointer, keyBytes uint32, values unsafe.Pointer,
	bytes uint32, flags uint64, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/bpf-map@0.1.0 [method]bpf-map.delete-batch
func abiMapDeleteBatch(self int32, keys unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/ring-buffer@0.1.0 [static]ring-buffer.open
func abiRingOpen(m int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/ring-buffer@0.1.0 [resource-drop]ring-buffer
func abiRingDrop(self int32)

//go:wasmimport eunomia:bpf/ring-buffer@0.1.0 [method]ring-buffer.read
func abiRingRead(self int32, consumed uint32, bytesMax uint32, hasTimeout int32, timeout int64,
	ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/ring-buffer@0.1.0 [method]ring-buffer.consume
func abiRingConsume(self int32, consumed uint32)

//go:wasmimport eunomia:bpf/ring-buffer@0.1.0 [method]ring-buffer.available
func abiRingAvailable(self int32) uint64

//go:wasmimport eunomia:bpf/ring-buffer@0.1.0 [method]ring-buffer.subscribe
func abiRingSubscribe(self int32) int32

//go:wasmimport eunomia:bpf/perf-buffer@0.1.0 [static]perf-buffer.open
func abiPerfOpen(m int32, pages uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/perf-buffer@0.1.0 [resource-drop]perf-buffer
func abiPerfDrop(self int32)

//go:wasmimport eunomia:bpf/perf-buffer@0.1.0 [method]perf-buffer.read
func abiPerfRead(self int32, consumed uint32, bytesMax uint32, hasTimeout int32, timeout int64,
	ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/perf-buffer@0.1.0 [method]perf-buffer.subscribe
func abiPerfSubscribe(self int32) int32

//go:wasmimport eunomia:bpf/user-ring-buffer@0.1.0 [static]user-ring-buffer.open
func abiUserRingOpen(m int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/user-ring-buffer@0.1.0 [resource-drop]user-ring-buffer
func abiUserRingDrop(self int32)

//go:wasmimport eunomia:bpf/user-ring-buffer@0.1.0 [method]user-ring-buffer.write
func abiUserRingWrite(self int32, records unsafe.Pointer, bytes uint32, hasTimeout int32,
	timeout int64, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/user-ring-buffer@0.1.0 [method]user-ring-buffer.subscribe
func abiUserRingSubscribe(self int32) int32

//go:wasmimport eunomia:bpf/output@0.1.0 [static]table.from-btf
func abiTableFromBTF(name unsafe.Pointer, nameBytes uint32, object int32, typeName unsafe.Pointer,
	typeBytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/output@0.1.0 [static]table.from-fields
func abiTableFromFields(name unsafe.Pointer, nameBytes uint32, fields unsafe.Pointer, count uint32,
	ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/output@0.1.0 [resource-drop]table
func abiTableDrop(self int32)

//go:wasmimport eunomia:bpf/output@0.1.0 [method]table.add-hints
func abiTableAddHints(self int32, field unsafe.Pointer, bytes uint32, hints unsafe.Pointer,
	count uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/output@0.1.0 [method]table.emit
func abiTableEmit(self int32, rows unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/output@0.1.0 [method]table.end-of-interval
func abiTableEndOfInterval(self int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/output@0.1.0 flush
func abiOutputFlush(ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/output@0.1.0 report-lost
func abiReportLost(count uint64)

//go:wasmimport eunomia:bpf/lifecycle@0.1.0 stop-requested
func abiStopRequested() int32

//go:wasmimport eunomia:bpf/lifecycle@0.1.0 request-stop
func abiRequestStop()

//go:wasmimport eunomia:bpf/lifecycle@0.1.0 exit
func abiExit(code int32)

//go:wasmimport eunomia:bpf/host@0.1.0 possible-cpus
func abiPossibleCPUs() uint32

//go:wasmimport eunomia:bpf/host@0.1.0 boot-epoch
func abiBootEpoch(ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/host@0.1.0 monotonic-epoch
func abiMonotonicEpoch(ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/host@0.1.0 kernel-version
func abiKernelVersion(ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/lifecycle@0.1.0 subscribe-stop
func abiSubscribeStop() int32

//go:wasmimport eunomia:bpf/symbols@0.1.0 resolve-kernel
func abiResolveKernel(addresses unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/symbols@0.1.0 kernel-address
func abiKernelAddress(name unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/btf@0.1.0 [resource-drop]btf
func abiBTFDrop(self int32)

//go:wasmimport eunomia:bpf/btf@0.1.0 [method]btf.count
func abiBTFCount(self int32) uint32

//go:wasmimport eunomia:bpf/btf@0.1.0 [method]btf.describe
func abiBTFDescribe(self int32, id uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/btf@0.1.0 [method]btf.find
func abiBTFFind(self int32, name unsafe.Pointer, bytes uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/btf@0.1.0 [method]btf.closure
func abiBTFClosure(self int32, id uint32, ret unsafe.Pointer)

//go:wasmimport wasi:io/poll@0.2.12 poll
func abiPoll(handles unsafe.Pointer, count uint32, ret unsafe.Pointer)

//go:wasmimport wasi:io/poll@0.2.12 [method]pollable.ready
func abiPollableReady(self int32) int32

//go:wasmimport wasi:io/poll@0.2.12 [resource-drop]pollable
func abiPollableDrop(self int32)

//go:wasmimport wasi:clocks/monotonic-clock@0.2.12 subscribe-duration
func abiSubscribeDuration(duration int64) int32
