// The world `plugin`: the host drives. `ecli build` wires it to the object `plugin`.

import host from "eunomia:bpf/driver@0.1.0";

import { Batch } from "./batch.js";
import "./chance.js";
import { PerfBuffer, RingBuffer } from "./buffers.js";
import "./console.js";
import { asBpfError, call } from "./error.js";
import { nanoseconds, unsignedFromHost } from "./exact.js";
import { flushRows } from "./output.js";

/** Names a source of events. */
export type SourceId = number;

/** What a plugin asks its host to drive, in `start`. */
export interface Driver {
  /** Deliver what arrives here; the buffer is the host's from then on. */
  add(buffer: RingBuffer | PerfBuffer): SourceId;
  /** Call `onTick` at this interval, of at least 1 ms. */
  setTick(milliseconds: number): void;
}

/** What a guest exports as `plugin`. */
export interface Plugin {
  /** Open, load, attach, and register sources. */
  start(driver: Driver): void;
  /** Events of a source; the batch is borrowed until the call returns. */
  onEvents?(source: SourceId, batch: Batch): void;
  /** An interval has passed. */
  onTick?(): void;
  /** The last call: print a summary. */
  stop?(): void;
}

const driver: Driver = {
  add: (buffer) =>
    call(() =>
      buffer instanceof RingBuffer
        ? host.addRingBuffer(buffer.handle)
        : host.addPerfBuffer(buffer.handle),
    ),
  setTick: (milliseconds) => call(() => host.setTick(nanoseconds(milliseconds))),
};

/** What the world exports. */
export function wrap(plugin: Plugin) {
  return {
    start: () => driven(() => plugin.start(driver)),
    onEvents: (source: number, records: Uint8Array, lost: number) =>
      driven(() => {
        const batch = new Batch(records, unsignedFromHost(lost, "what was lost"));
        plugin.onEvents?.(source, batch);
      }),
    onTick: () => driven(() => plugin.onTick?.()),
    stop: () => driven(() => plugin.stop?.()),
  };
}

/** The host shows the error that a call throws; it has to be the contract's. */
function driven(call: () => void): void {
  try {
    call();
    flushRows();
  } catch (thrown) {
    const { code, errno, message } = asBpfError(thrown);
    throw { code, errno, message };
  }
}
