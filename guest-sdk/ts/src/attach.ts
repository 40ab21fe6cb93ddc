// Where programs are attached, and what holds them there.

import type { Link as Handle, LinkInfo } from "eunomia:bpf/attach@0.1.0";
import type { Variant } from "eunomia:bpf/btf@0.1.0";

import { call, payloadOf } from "./error.js";
import { toHost, word } from "./exact.js";

export type { LinkInfo };

/** An attach target; the functions of {@link target} make them. */
export type Target = Variant & { readonly __target?: never };

/** What `bpf_get_attach_cookie` returns. */
export interface Cookie {
  cookie?: number | bigint;
}

/** Whose calls a user-space probe reports: a process id, this host process, or anybody. */
export type ProcessFilter = number | "host-process" | "any";

/** Where among the programs that are attached already; numbers are kernel ids. */
export type Position =
  | "anywhere"
  | "first"
  | "last"
  | { beforeProgram: number }
  | { afterProgram: number };

/** A place in a binary: a symbol, or an offset in the file. */
export type UprobeLocation =
  | string
  | { symbol: string; offset: number }
  | { fileOffset: number };

/** Places in a binary. */
export type UprobeLocations =
  | { pattern: string }
  | { symbols: string[] }
  | { fileOffsets: number[] };

/** `struct perf_event_attr`, as far as sampling needs it. */
export interface PerfEvent {
  eventType: number;
  config: number | bigint;
  config1?: number | bigint;
  config2?: number | bigint;
  sampling: { frequency: number } | { period: number };
  process?: ProcessFilter;
  cpu?: number;
  excludeUser?: boolean;
  excludeKernel?: boolean;
  fallBackToCpuClock?: boolean;
}

function cookie(options: Cookie): number {
  return toHost(options.cookie ?? 0, "a cookie");
}

function cookies(all: readonly (number | bigint)[] = []): number[] {
  return all.map((one) => toHost(one, "a cookie"));
}

function processFilter(filter: ProcessFilter = "any"): Variant {
  return typeof filter === "number"
    ? { tag: "pid", val: word(filter, "a process id") }
    : { tag: filter };
}

function positionOf(position: Position = "anywhere"): Variant {
  if (typeof position === "string") return { tag: position };
  return "beforeProgram" in position
    ? { tag: "before-program", val: word(position.beforeProgram, "a program id") }
    : { tag: "after-program", val: word(position.afterProgram, "a program id") };
}

function location(place: UprobeLocation): Variant {
  if (typeof place === "string") return { tag: "symbol", val: { symbol: place, offset: 0 } };
  return "symbol" in place
    ? {
        tag: "symbol",
        val: { symbol: place.symbol, offset: toHost(place.offset, "an offset") },
      }
    : { tag: "file-offset", val: toHost(place.fileOffset, "an offset") };
}

function locations(places: UprobeLocations): Variant {
  if ("pattern" in places) return { tag: "pattern", val: places.pattern };
  if ("symbols" in places) return { tag: "symbols", val: places.symbols };
  const offsets = places.fileOffsets.map((offset) => toHost(offset, "an offset"));
  return { tag: "file-offsets", val: offsets };
}

/** Makes targets: `program.attach(target.kprobe("do_unlinkat"))`. */
export const target = {
  tracepoint: (category: string, name: string, options: Cookie = {}): Target => ({
    tag: "tracepoint",
    val: { category, name, cookie: cookie(options) },
  }),

  rawTracepoint: (name: string, options: Cookie = {}): Target => ({
    tag: "raw-tracepoint",
    val: { name, cookie: cookie(options) },
  }),

  /** Where the program was verified against: fentry, fexit, fmod_ret, tp_btf, LSM. */
  trace: (options: Cookie = {}): Target => ({ tag: "trace", val: { cookie: cookie(options) } }),

  kprobe: (symbol: string, options: Cookie & { offset?: number } = {}): Target => ({
    tag: "kprobe",
    val: { symbol, offset: toHost(options.offset ?? 0, "an offset"), cookie: cookie(options) },
  }),

  ksyscall: (name: string, options: Cookie = {}): Target => ({
    tag: "ksyscall",
    val: { name, cookie: cookie(options) },
  }),

  kprobeMulti: (symbols: string[], all: (number | bigint)[] = []): Target => ({
    tag: "kprobe-multi",
    val: { symbols, cookies: cookies(all) },
  }),

  uprobe: (
    binary: string,
    place: UprobeLocation,
    options: Cookie & { process?: ProcessFilter; referenceCounter?: number } = {},
  ): Target => ({
    tag: "uprobe",
    val: {
      binary,
      location: location(place),
      process: processFilter(options.process),
      referenceCounter: toHost(options.referenceCounter ?? 0, "an offset"),
      cookie: cookie(options),
    },
  }),

  uprobeMulti: (
    binary: string,
    places: UprobeLocations,
    options: {
      process?: ProcessFilter;
      referenceCounters?: number[];
      cookies?: (number | bigint)[];
    } = {},
  ): Target => ({
    tag: "uprobe-multi",
    val: {
      binary,
      locations: locations(places),
      process: processFilter(options.process),
      referenceCounters: cookies(options.referenceCounters),
      cookies: cookies(options.cookies),
    },
  }),

  usdt: (
    binary: string,
    provider: string,
    name: string,
    options: Cookie & { process?: ProcessFilter } = {},
  ): Target => ({
    tag: "usdt",
    val: {
      binary,
      provider,
      name,
      process: processFilter(options.process),
      cookie: cookie(options),
    },
  }),

  perfEvent: (event: PerfEvent): Target => ({
    tag: "perf-event",
    val: {
      eventType: word(event.eventType, "an event type"),
      config: toHost(event.config, "config"),
      config1: toHost(event.config1 ?? 0, "config1"),
      config2: toHost(event.config2 ?? 0, "config2"),
      sampling:
        "frequency" in event.sampling
          ? { tag: "frequency", val: toHost(event.sampling.frequency, "a frequency") }
          : { tag: "period", val: toHost(event.sampling.period, "a period") },
      process: processFilter(event.process),
      cpu: event.cpu ?? null,
      excludeUser: event.excludeUser ?? false,
      excludeKernel: event.excludeKernel ?? false,
      fallBackToCpuClock: event.fallBackToCpuClock ?? false,
    },
  }),

  xdp: (
    networkInterface: string,
    mode: "default" | "driver" | "generic" | "hardware" = "default",
  ): Target => ({ tag: "xdp", val: { networkInterface, mode } }),

  tc: (
    networkInterface: string,
    direction: "ingress" | "egress",
    options: { position?: Position; priority?: number } = {},
  ): Target => ({
    tag: "tc",
    val: {
      networkInterface,
      direction,
      position: positionOf(options.position),
      priority: word(options.priority ?? 0, "a priority"),
    },
  }),

  netkit: (networkInterface: string, side: "primary" | "peer", position?: Position): Target => ({
    tag: "netkit",
    val: { networkInterface, side, position: positionOf(position) },
  }),

  cgroup: (path: string, options: { position?: Position; preOrder?: boolean } = {}): Target => ({
    tag: "cgroup",
    val: { path, position: positionOf(options.position), preOrder: options.preOrder ?? false },
  }),

  /** A socket map of the same object. */
  socketMap: (name: string): Target => ({ tag: "socket-map", val: name }),

  networkNamespace: (path: string): Target => ({ tag: "network-namespace", val: path }),

  netfilter: (
    protocolFamily: number,
    hook: number,
    options: { priority?: number; defragment?: boolean } = {},
  ): Target => ({
    tag: "netfilter",
    val: {
      protocolFamily: word(protocolFamily, "a protocol family"),
      hook: word(hook, "a hook"),
      priority: (options.priority ?? 0) | 0,
      defragment: options.defragment ?? false,
    },
  }),

  /** What an iterator walks. */
  iterator: {
    everything: (): Target => iterator({ tag: "everything" }),
    mapElements: (map: string): Target => iterator({ tag: "map-elements", val: map }),
    cgroup: (
      path: string,
      order: "self-only" | "descendants-pre" | "descendants-post" | "ancestors-up",
    ): Target => iterator({ tag: "cgroup", val: { path, order } }),
    process: (pid: number): Target =>
      iterator({ tag: "process", val: word(pid, "a process id") }),
    thread: (tid: number): Target => iterator({ tag: "thread", val: word(tid, "a thread id") }),
  },

  /** Every packet of a network interface. */
  socketFilter: (networkInterface: string): Target => ({
    tag: "socket-filter",
    val: networkInterface,
  }),

  /** A function of a BPF program that is replaced. */
  programFunction: (programId: number, name: string): Target => ({
    tag: "program-function",
    val: { programId: word(programId, "a program id"), function: name },
  }),

  /** The text form of `ecli run --attach`. */
  text: (text: string): Target => ({ tag: "text", val: text }),
};

function iterator(val: Variant): Target {
  return { tag: "iterator", val };
}

/** Links that are not closed: without this, a link that no variable holds would detach. */
const attached = new Set<Link>();

/** An attached program. It stays attached until `close` or the guest's end. */
export class Link {
  constructor(readonly handle: Handle) {
    attached.add(this);
  }

  info(): LinkInfo {
    const { ids, ...info } = this.handle.info();
    return { ...info, ids: Array.from(ids) };
  }

  /** Stay attached until the guest ends, also after `close`. */
  keep(): void {
    this.handle.keep();
  }

  /** Detach and hear of errors. */
  detach(): void {
    call(() => this.handle.detach());
  }

  /** Detach. */
  close(): void {
    attached.delete(this);
    this.handle[Symbol.dispose]();
  }

  /**
   * Runs an attached iterator program, from now on, and reads what it writes, piece by piece, also
   * after `close`.
   */
  iterate(bytesMax = 64 << 10): Generator<Uint8Array> {
    return pieces(call(() => this.handle.iterate()), bytesMax);
  }
}

function* pieces(stream: ReturnType<Handle["iterate"]>, bytesMax: number): Generator<Uint8Array> {
  try {
    for (;;) {
      const bytes = readSome(() => stream.blockingRead(bytesMax));
      if (bytes === undefined) return;
      if (bytes.length > 0) yield bytes;
    }
  } finally {
    stream[Symbol.dispose]();
  }
}

/** What a stream has; undefined at its end, which WASI calls an error. */
export function readSome(read: () => Uint8Array): Uint8Array | undefined {
  try {
    return read();
  } catch (thrown) {
    if ((payloadOf(thrown) as Variant | undefined)?.tag === "closed") return undefined;
    return call(() => {
      throw thrown;
    });
  }
}
