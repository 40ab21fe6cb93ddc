// eBPF tools in TypeScript: the user-space half, as a sandboxed WebAssembly guest of ecli. What a call
// does is said in full in the contract, wit/.

export {
  type Cookie,
  Link,
  type LinkInfo,
  type PerfEvent,
  type Position,
  type ProcessFilter,
  type Target,
  type UprobeLocation,
  type UprobeLocations,
  target,
} from "./attach.js";
export { Batch, BatchBuilder, RawRecord } from "./batch.js";
export { Btf, type Enumerator, type Member, type TypeDescription, type TypeKind } from "./btf.js";
export { PerfBuffer, RingBuffer, UserRingBuffer } from "./buffers.js";
export type { Main } from "./command.js";
export { print, printError, readInput } from "./console.js";
export { BpfError, type ErrorCode } from "./error.js";
export { linearHistogram, log2Histogram } from "./histogram.js";
export {
  type KernelSymbol,
  type KernelVersion,
  bootEpoch,
  kernelAddress,
  kernelVersion,
  monotonicEpoch,
  possibleCpus,
  resolveKernel,
} from "./host.js";
export {
  abort,
  args,
  exit,
  requestStop,
  sleep,
  stop,
  stopRequested,
  waitForStop,
} from "./lifecycle.js";
export {
  BpfMap,
  type MapInfo,
  type MapOf,
  RawCursor,
  type RawEntries,
  RawMap,
  flags,
} from "./map.js";
export {
  type AnyMapName,
  Global,
  MapName,
  PerCpuMapName,
  PerfEventArrayName,
  RingBufferName,
  UserRingBufferName,
} from "./names.js";
export {
  BpfObject,
  type GlobalInfo,
  Program,
  type ProgramInfo,
  type ProgramStatistics,
  type RunInput,
  type RunOutput,
  listObjects,
} from "./object.js";
export {
  Field,
  FieldTable,
  type Fields,
  type Row,
  Table,
  flush,
  reportLost,
} from "./output.js";
export { Pollable, Poller, type Token, type Waitable } from "./poll.js";
export type { Driver, Plugin, SourceId } from "./plugin.js";
export {
  type Codec,
  Struct,
  type StructType,
  type Values,
  array,
  bitsAt,
  bool,
  bytes,
  bytesAt,
  f32,
  f64,
  i128,
  i16,
  i32,
  i64,
  i8,
  make,
  nothing,
  putBits,
  putBytes,
  putStruct,
  show,
  textAt,
  u128,
  u16,
  u32,
  u64,
  u8,
} from "./record.js";
export { cText, decodeText, encodeText } from "./text.js";
