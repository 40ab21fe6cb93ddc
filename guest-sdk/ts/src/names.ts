// Names of what a BPF object has, with types; `ecli build` generates constants of them.

import type { Codec } from "./record.js";

/** A global variable. */
export class Global<T> {
  constructor(
    readonly name: string,
    readonly codec: Codec<T>,
  ) {}
}

/** A map with keys and values. */
export class MapName<K, V> {
  readonly kind = "map";
  constructor(
    readonly name: string,
    readonly key: Codec<K>,
    readonly value: Codec<V>,
  ) {}
}

/** A map that has a value for each CPU. */
export class PerCpuMapName<K, V> {
  readonly kind = "per-CPU map";
  constructor(
    readonly name: string,
    readonly key: Codec<K>,
    readonly value: Codec<V>,
  ) {}
}

/** A ring buffer. */
export class RingBufferName {
  readonly kind = "ring buffer";
  constructor(readonly name: string) {}
}

/** A perf event array. */
export class PerfEventArrayName {
  readonly kind = "perf event array";
  constructor(readonly name: string) {}
}

/** A user ring buffer. */
export class UserRingBufferName {
  readonly kind = "user ring buffer";
  constructor(readonly name: string) {}
}

/** The name of any map. */
export type AnyMapName =
  | string
  | MapName<any, any>
  | PerCpuMapName<any, any>
  | RingBufferName
  | PerfEventArrayName
  | UserRingBufferName;

export function textOf(name: AnyMapName): string {
  return typeof name === "string" ? name : name.name;
}
