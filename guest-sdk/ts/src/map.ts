// Maps: raw ones, whose keys and values are bytes, and typed ones over them.

import type { BpfMap as Handle, Cursor as CursorHandle } from "eunomia:bpf/bpf-map@0.1.0";

import { call } from "./error.js";
import { toHost, unsignedFromHost, word } from "./exact.js";
import { possibleCpus } from "./host.js";
import { type AnyMapName, MapName, PerCpuMapName } from "./names.js";
import { type Codec, array, decode, encode, viewOf } from "./record.js";

/** Flags of updates and look-ups: numbers of `linux/bpf.h`, to be added up. */
export const flags = { ANY: 0, NO_EXIST: 1, EXIST: 2, LOCK: 4 } as const;

/** What a map is. */
export interface MapInfo {
  name: string;
  /** `enum bpf_map_type`. */
  mapType: number;
  /** Its name as libbpf prints it. */
  typeName: string;
  keySize: number;
  valueSize: number;
  /** Bytes of a value as look-ups return it. */
  userValueSize: number;
  maxEntries: number;
  mapFlags: number;
  keyTypeId: number;
  valueTypeId: number;
  mapExtra: bigint;
  /** The name it is shared under. */
  pinName: string | undefined;
  frozen: boolean;
  /** The kernel's id, 0 before load. */
  id: number;
}

/** Some entries of a raw map, keys and values laid end to end. */
export interface RawEntries {
  count: number;
  keys: Uint8Array;
  values: Uint8Array;
}

/** A map whose keys and values are bytes. */
export class RawMap {
  constructor(readonly handle: Handle) {}

  info(): MapInfo {
    return mapInfo(call(() => this.handle.info()));
  }

  /** Before load; so are the next four. */
  setMaxEntries(maxEntries: number): void {
    call(() => this.handle.setMaxEntries(word(maxEntries, "a number of entries")));
  }

  setValueSize(bytes: number): void {
    call(() => this.handle.setValueSize(word(bytes, "a size")));
  }

  /** A number of `enum bpf_map_type`. */
  setMapType(mapType: number): void {
    call(() => this.handle.setMapType(word(mapType, "a map type")));
  }

  setAutocreate(create: boolean): void {
    call(() => this.handle.setAutocreate(create));
  }

  /** Share the map under this name with other instances. */
  setPinName(name: string): void {
    call(() => this.handle.setPinName(name));
  }

  lookup(key: Uint8Array, flags = 0): Uint8Array | undefined {
    return call(() => this.handle.lookup(key, flags)) ?? undefined;
  }

  update(key: Uint8Array, value: Uint8Array, flags = 0): void {
    call(() => this.handle.update(key, value, flags));
  }

  /** Whether the key was there. */
  delete(key: Uint8Array): boolean {
    return call(() => this.handle.delete(key));
  }

  lookupAndDelete(key: Uint8Array, flags = 0): Uint8Array | undefined {
    return call(() => this.handle.lookupAndDelete(key, flags)) ?? undefined;
  }

  /** The key after `key`, or the first one. */
  nextKey(key?: Uint8Array): Uint8Array | undefined {
    return call(() => this.handle.nextKey(key ?? null)) ?? undefined;
  }

  iterate(): RawCursor {
    return new RawCursor(call(() => this.handle.iterate()));
  }

  /** Like `iterate`; what is returned is also removed. */
  drain(): RawCursor {
    return new RawCursor(call(() => this.handle.drain()));
  }

  /** Returns how many entries were set. */
  updateBatch(keys: Uint8Array, values: Uint8Array, flags = 0): number {
    return call(() => this.handle.updateBatch(keys, values, flags));
  }

  /** Returns how many keys were removed. */
  deleteBatch(keys: Uint8Array): number {
    return call(() => this.handle.deleteBatch(keys));
  }

  /** The map in a slot of a map of maps. */
  lookupInner(key: Uint8Array): RawMap | undefined {
    const inner = call(() => this.handle.lookupInner(key));
    return inner === null ? undefined : new RawMap(inner);
  }

  updateInner(key: Uint8Array, inner: RawMap | BpfMap<any, any>, flags = 0): void {
    call(() => this.handle.updateInner(key, rawOf(inner).handle, flags));
  }

  /** A new map in the shape that this map of maps declares for its slots. */
  createInner(): RawMap {
    return new RawMap(call(() => this.handle.createInner()));
  }

  /** Memory of an array that is mapped into the host. */
  readMemory(offset: number, length: number): Uint8Array {
    const at = toHost(offset, "an offset");
    return call(() => this.handle.readMemory(at, word(length, "a length")));
  }

  writeMemory(offset: number, bytes: Uint8Array): void {
    const at = toHost(offset, "an offset");
    call(() => this.handle.writeMemory(at, bytes));
  }

  /** Forbid further changes from user space, for good. */
  freeze(): void {
    call(() => this.handle.freeze());
  }

  /** With types for its keys and values. */
  typed<K, V>(key: Codec<K>, value: Codec<V>): BpfMap<K, V> {
    return new BpfMap(this, key, value);
  }

  close(): void {
    this.handle[Symbol.dispose]();
  }
}

/** A walk over a raw map. */
export class RawCursor {
  constructor(private readonly handle: CursorHandle) {}

  /** Up to so many further entries (0: as many as fit), undefined at the end. */
  next(entriesMax = 0): RawEntries | undefined {
    const entries = call(() => this.handle.next(word(entriesMax, "a number of entries")));
    return entries.count === 0 ? undefined : entries;
  }

  close(): void {
    this.handle[Symbol.dispose]();
  }
}

/** A map with types. */
export class BpfMap<K, V> {
  constructor(
    /** The same map, with bytes. */
    readonly raw: RawMap,
    private readonly key: Codec<K>,
    private readonly value: Codec<V>,
  ) {}

  info(): MapInfo {
    return this.raw.info();
  }

  lookup(key: K, flags = 0): V | undefined {
    return this.decode(this.raw.lookup(encode(this.key, key), flags));
  }

  update(key: K, value: V, flags = 0): void {
    this.raw.update(encode(this.key, key), encode(this.value, value), flags);
  }

  /** Whether the key was there. */
  delete(key: K): boolean {
    return this.raw.delete(encode(this.key, key));
  }

  lookupAndDelete(key: K, flags = 0): V | undefined {
    return this.decode(this.raw.lookupAndDelete(encode(this.key, key), flags));
  }

  /** All entries: `for (const [key, value] of map)`. Structs are borrowed from the walk. */
  [Symbol.iterator](): Generator<[K, V]> {
    return this.walk(this.raw.iterate());
  }

  /** All entries, which are removed. */
  drain(): Generator<[K, V]> {
    return this.walk(this.raw.drain());
  }

  /** Returns how many entries were set. */
  updateBatch(entries: Iterable<readonly [K, V]>, flags = 0): number {
    const all = [...entries];
    const values = concatenate(
      this.value,
      all.map(([, value]) => value),
    );
    const keys = concatenate(
      this.key,
      all.map(([key]) => key),
    );
    return this.raw.updateBatch(keys, values, flags);
  }

  /** Returns how many keys were removed. */
  deleteBatch(keys: Iterable<K>): number {
    return this.raw.deleteBatch(concatenate(this.key, [...keys]));
  }

  /** Queues, stacks and bloom filters, which have no keys. */
  push(this: BpfMap<void, V>, value: V): void {
    this.update(undefined, value);
  }

  /** The head of a queue or stack, which is removed. */
  pop(this: BpfMap<void, V>): V | undefined {
    return this.lookupAndDelete(undefined);
  }

  /** The head of a queue or stack. */
  peek(this: BpfMap<void, V>): V | undefined {
    return this.lookup(undefined);
  }

  /** Whether a bloom filter may hold the value. */
  mayContain(this: BpfMap<void, V>, value: V): boolean {
    return this.raw.lookup(encode(this.value, value)) !== undefined;
  }

  close(): void {
    this.raw.close();
  }

  private decode(bytes: Uint8Array | undefined): V | undefined {
    return bytes === undefined ? undefined : decode(this.value, bytes, "a value of a map");
  }

  // A method, not a generator, opens the cursor: what fails there fails at the call.
  private *walk(cursor: RawCursor): Generator<[K, V]> {
    try {
      for (let entries = cursor.next(); entries !== undefined; entries = cursor.next()) {
        const keys = viewOf(entries.keys);
        const values = viewOf(entries.values);
        for (let index = 0; index < entries.count; index++) {
          yield [
            this.key.read(keys, index * this.key.SIZE),
            this.value.read(values, index * this.value.SIZE),
          ];
        }
      }
    } finally {
      cursor.close();
    }
  }
}

/** What a name of a map stands for. */
export type MapOf<N> =
  N extends MapName<infer K, infer V>
    ? BpfMap<K, V>
    : N extends PerCpuMapName<infer K, infer V>
      ? BpfMap<K, V[]>
      : RawMap;

export function typedMap<N extends AnyMapName>(name: N, raw: RawMap): MapOf<N> {
  if (name instanceof MapName) return raw.typed(name.key, name.value) as MapOf<N>;
  if (name instanceof PerCpuMapName) return raw.typed(name.key, perCpu(name.value)) as MapOf<N>;
  return raw as MapOf<N>;
}

export function rawOf(map: RawMap | BpfMap<any, any>): RawMap {
  return map instanceof RawMap ? map : map.raw;
}

export function mapInfo(info: ReturnType<Handle["info"]>): MapInfo {
  return {
    ...info,
    mapExtra: unsignedFromHost(info.mapExtra, `map_extra of map "${info.name}"`),
    pinName: info.pinName ?? undefined,
  };
}

/** A value for each CPU, each padded to a multiple of 8. */
function perCpu<V>(value: Codec<V>): Codec<V[]> {
  const padded: Codec<V> = {
    SIZE: Math.ceil(value.SIZE / 8) * 8,
    read: (view, at) => value.read(view, at),
    write: (view, at, item) => value.write(view, at, item),
  };
  return array(padded, possibleCpus());
}

function concatenate<T>(codec: Codec<T>, values: T[]): Uint8Array {
  const bytes = new Uint8Array(codec.SIZE * values.length);
  const view = viewOf(bytes);
  values.forEach((value, index) => codec.write(view, index * codec.SIZE, value));
  return bytes;
}
