// What moves events: ring buffers, perf event arrays, user ring buffers.

import perfHost, { type PerfBuffer as PerfHandle } from "eunomia:bpf/perf-buffer@0.1.0";
import ringHost, { type RingBuffer as RingHandle } from "eunomia:bpf/ring-buffer@0.1.0";
import userHost, { type UserRingBuffer as UserHandle } from "eunomia:bpf/user-ring-buffer@0.1.0";

import { Batch, type BatchBuilder } from "./batch.js";
import { call } from "./error.js";
import { nanoseconds, unsignedFromHost, word } from "./exact.js";
import { stopRequested } from "./lifecycle.js";
import type { RawMap } from "./map.js";
import { flushRows } from "./output.js";
import { Pollable, type Waitable, closeChildren } from "./poll.js";

/** What reads batches. */
abstract class Source implements Waitable {
  private taken = 0;
  private bytesMax = 0;

  /** Waits until there is something; undefined: stop, everything is read. */
  next(): Batch | undefined {
    const batch = this.read(null);
    return batch.isEmpty ? undefined : batch;
  }

  /** Waits so long: an empty batch when the time is up, undefined: stop. */
  nextWithin(milliseconds: number): Batch | undefined {
    const batch = this.read(nanoseconds(milliseconds));
    return batch.isEmpty && stopRequested() ? undefined : batch;
  }

  /** Does not wait; undefined: nothing now. */
  tryNext(): Batch | undefined {
    const batch = this.read(0);
    return batch.isEmpty ? undefined : batch;
  }

  /** All batches until the operator asks the guest to stop. */
  *[Symbol.iterator](): Generator<Batch> {
    for (let batch = this.next(); batch !== undefined; batch = this.next()) yield batch;
  }

  /** The most bytes of a batch; 0: the host's choice. */
  setBatchBytesMax(bytes: number): void {
    this.bytesMax = word(bytes, "a number of bytes");
  }

  abstract subscribe(): Pollable;

  protected abstract readHost(consumed: number, bytesMax: number, timeout: number | null): Batch;

  /** How many bytes of the last batch are to be freed. */
  protected takeConsumed(): number {
    const consumed = this.taken;
    this.taken = 0;
    return consumed;
  }

  private read(timeout: number | null): Batch {
    if (timeout !== 0) flushRows();
    const batch = call(() => this.readHost(this.takeConsumed(), this.bytesMax, timeout));
    this.taken = batch.bytes.length;
    return batch;
  }
}

/** The one reader of a ring buffer. */
export class RingBuffer extends Source {
  readonly handle: RingHandle;

  constructor(map: RawMap) {
    super();
    this.handle = call(() => ringHost.RingBuffer.open(map.handle));
  }

  /** Frees the last batch without reading on. */
  release(): void {
    const consumed = this.takeConsumed();
    if (consumed > 0) call(() => this.handle.consume(consumed));
  }

  /** Bytes that are not read and freed. */
  available(): number {
    return Number(unsignedFromHost(this.handle.available(), "what is available"));
  }

  subscribe(): Pollable {
    return new Pollable(this.handle.subscribe(), this);
  }

  /** What was not released, the next reader finds again. */
  close(): void {
    closeChildren(this);
    this.handle[Symbol.dispose]();
  }

  protected readHost(consumed: number, bytesMax: number, timeout: number | null): Batch {
    return new Batch(this.handle.read(consumed, bytesMax, timeout));
  }
}

/** The one reader of a perf event array. */
export class PerfBuffer extends Source {
  readonly handle: PerfHandle;

  constructor(map: RawMap, pagesPerCpu: number) {
    super();
    const pages = word(pagesPerCpu, "a number of pages");
    this.handle = call(() => perfHost.PerfBuffer.open(map.handle, pages));
  }

  subscribe(): Pollable {
    return new Pollable(this.handle.subscribe(), this);
  }

  close(): void {
    closeChildren(this);
    this.handle[Symbol.dispose]();
  }

  protected readHost(consumed: number, bytesMax: number, timeout: number | null): Batch {
    const batch = this.handle.read(consumed, bytesMax, timeout);
    return new Batch(batch.records, unsignedFromHost(batch.lost, "what was lost"));
  }
}

/** The one writer of a user ring buffer. */
export class UserRingBuffer implements Waitable {
  readonly handle: UserHandle;

  constructor(map: RawMap) {
    this.handle = call(() => userHost.UserRingBuffer.open(map.handle));
  }

  /** Submits what was collected, waiting for room; what did not fit stays in `batch`. */
  write(batch: BatchBuilder): number {
    flushRows();
    return this.submit(batch, null);
  }

  /** The same, waiting so long. */
  writeWithin(batch: BatchBuilder, milliseconds: number): number {
    flushRows();
    return this.submit(batch, nanoseconds(milliseconds));
  }

  /** The same, without waiting. */
  tryWrite(batch: BatchBuilder): number {
    return this.submit(batch, 0);
  }

  subscribe(): Pollable {
    return new Pollable(this.handle.subscribe(), this);
  }

  close(): void {
    closeChildren(this);
    this.handle[Symbol.dispose]();
  }

  private submit(batch: BatchBuilder, timeout: number | null): number {
    const written = call(() => this.handle.write(batch.bytes, timeout));
    batch.removeFirst(written);
    return written;
  }
}
