// Record batches: many records in one piece of memory, see wit/errors.wit.

import { BpfError } from "./error.js";
import { type Codec, Struct, type StructType, bytesAt, viewOf } from "./record.js";

const HEAD = 8;
const DISCARDED = 0x40000000;
const LENGTH = 0x3fffffff;

/** One record, borrowed from its batch. */
export class RawRecord {
  constructor(
    readonly payload: Uint8Array,
    /** The CPU that produced it; perf event arrays only. */
    readonly cpu: number,
  ) {}

  /** The record as a type; what is behind it in the payload is its flexible array. */
  view<T>(type: Codec<T>): T {
    if (this.payload.length < type.SIZE) throw tooShort(this.payload.length, type.SIZE);
    return type.read(viewOf(this.payload), 0);
  }
}

/** Records that were read together. */
export class Batch {
  constructor(
    /** As they came, to be handed on. */
    readonly bytes: Uint8Array,
    /** Records that the kernel dropped before these; perf event arrays only. */
    readonly lost: bigint = 0n,
  ) {}

  get isEmpty(): boolean {
    return this.bytes.length === 0;
  }

  /**
   * The records as values of a type. For a struct it is the same object each time, which moves from
   * record to record: `copy()` what is to be kept. A record that is too short for its type throws.
   */
  records<T>(type: Codec<T>): Iterable<T> {
    return { [Symbol.iterator]: () => step(this.bytes, type) };
  }

  /** The records as bytes, for several kinds of records, flexible arrays and CPUs. */
  *rawRecords(): Generator<RawRecord> {
    const view = viewOf(this.bytes);
    for (let at = 0; at < view.byteLength; ) {
      const word = view.getUint32(at, true);
      const length = word & LENGTH;
      if ((word & DISCARDED) === 0) {
        yield new RawRecord(bytesAt(view, at + HEAD, length), view.getUint32(at + 4, true));
      }
      at += (HEAD + length + 7) & ~7;
    }
  }
}

/**
 * Steps through a batch without allocating for each record. A generator, and the heads in an array of
 * numbers: the engine steps through them without calling functions and looking up their names.
 */
function* step<T>(bytes: Uint8Array, type: Codec<T>): Generator<T> {
  const view = viewOf(bytes);
  const heads = wordsOf(bytes);
  const [size, end] = [type.SIZE, bytes.length];
  const isStruct = typeof type === "function";
  const moving = isStruct ? new (type as unknown as StructType<Struct>)(view, 0) : undefined;
  for (let at = 0; at < end; ) {
    const word = heads[at >> 2]!;
    const length = word & LENGTH;
    const payload = at + HEAD;
    at = (payload + length + 7) & ~7;
    if ((word & DISCARDED) !== 0) continue;
    if (length < size) throw tooShort(length, size);
    if (moving === undefined) {
      yield type.read(view, payload);
    } else {
      moving._at = payload;
      yield moving as T;
    }
  }
}

/** The bytes as words, which have WebAssembly's order of bytes, that of the records. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(buffer, byteOffset, bytes.length >> 2);
}

function tooShort(length: number, size: number): BpfError {
  return new BpfError(
    "invalid-argument",
    `read a record: it has ${length} bytes, the guest's type ${size}`,
  );
}

/** Collects records, for user ring buffers and tables. */
export class BatchBuilder {
  private buffer = new Uint8Array(4096);
  private view = viewOf(this.buffer);
  private start = 0;
  private end = 0;

  get isEmpty(): boolean {
    return this.start === this.end;
  }

  /** What was collected, borrowed. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(this.start, this.end);
  }

  push<T>(type: Codec<T>, value: T): void {
    const at = this.begin(type.SIZE);
    type.write(this.view, at, value);
  }

  pushStruct(value: Struct): void {
    this.pushBytes(value.bytes());
  }

  pushBytes(payload: Uint8Array): void {
    const at = this.begin(payload.length);
    this.buffer.set(payload, at);
  }

  /** As many whole records from the front as fit into so many bytes, but at least one. */
  firstBytes(bytesMax: number): Uint8Array {
    let end = this.start;
    while (end < this.end) {
      const length = this.view.getUint32(end, true);
      const next = end + ((HEAD + length + 7) & ~7);
      if (end > this.start && next - this.start > bytesMax) break;
      end = next;
    }
    return this.buffer.subarray(this.start, end);
  }

  removeFirst(bytes: number): void {
    this.start += bytes;
    if (this.start >= this.end) this.start = this.end = 0;
  }

  /** Makes room for a payload, zeros, and returns where it is. */
  private begin(length: number): number {
    if (length > LENGTH) {
      throw new BpfError("limit-exceeded", `write a record of ${length} bytes`);
    }
    const at = this.end + HEAD;
    const end = this.end + ((HEAD + length + 7) & ~7);
    if (end > this.buffer.length) {
      const larger = new Uint8Array(Math.max(end, this.buffer.length * 2));
      larger.set(this.buffer.subarray(0, this.end));
      this.buffer = larger;
      this.view = viewOf(larger);
    }
    this.buffer.fill(0, this.end, end);
    this.view.setUint32(this.end, length, true);
    this.end = end;
    return at;
  }
}

