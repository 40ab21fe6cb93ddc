package bpf

import "unsafe"

// The contract (wit/) as WebAssembly sees it: every imported function in the form that the
// component model's canonical ABI gives it. `ecli build` checks each signature against the WIT.
// Results that do not fit into one number go to memory that the last parameter points to.

// The host's handle of a resource.
type handle int32

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

//go:wasmimport eunomia:bpf/bpf-object@0.1.0 [resource-drop]program
func abiProgramDrop(self int32)

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

//go:wasmimport eunomia:bpf/attach@0.1.0 [resource-drop]link
func abiLinkDrop(self int32)

//go:wasmimport eunomia:bpf/attach@0.1.0 [method]link.keep
func abiLinkKeep(self int32)

//go:wasmimport eunomia:bpf/attach@0.1.0 [method]link.detach
func abiLinkDetach(self int32, ret unsafe.Pointer)

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

//go:wasmimport eunomia:bpf/perf-buffer@0.1.0 [static]perf-buffer.open
func abiPerfOpen(m int32, pages uint32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/perf-buffer@0.1.0 [resource-drop]perf-buffer
func abiPerfDrop(self int32)

//go:wasmimport eunomia:bpf/perf-buffer@0.1.0 [method]perf-buffer.read
func abiPerfRead(self int32, consumed uint32, bytesMax uint32, hasTimeout int32, timeout int64,
	ret unsafe.Pointer)

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
