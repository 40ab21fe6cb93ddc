// BPF objects, the kernel side of the tool, and their programs.

import type { Program as ProgramHandle } from "eunomia:bpf/bpf-object@0.1.0";
import host, { type BpfObject as Handle } from "eunomia:bpf/bpf-object@0.1.0";
import type { GlobalInfo, ProgramInfo } from "eunomia:bpf/bpf-object@0.1.0";

import { Link, type Target } from "./attach.js";
import { Btf } from "./btf.js";
import { PerfBuffer, RingBuffer, UserRingBuffer } from "./buffers.js";
import { call } from "./error.js";
import { unsignedFromHost, word } from "./exact.js";
import { type BpfMap, type MapInfo, type MapOf, RawMap, mapInfo, rawOf, typedMap } from "./map.js";
import type { PerfEventArrayName, RingBufferName, UserRingBufferName } from "./names.js";
import { type AnyMapName, type Global, textOf } from "./names.js";
import { decode, encode } from "./record.js";

export type { GlobalInfo, ProgramInfo };

/** The names of the objects in this image, the default one first. */
export function listObjects(): string[] {
  return host.listObjects();
}

/** A BPF object: open, set globals and sizes, load, attach, use. */
export class BpfObject {
  private constructor(readonly handle: Handle) {}

  /** Opens an object by its name in the image; by default the default one. */
  static open(name = ""): BpfObject {
    return new BpfObject(call(() => host.BpfObject.open(name)));
  }

  /** Creates the maps and has the programs verified. */
  load(): this {
    call(() => this.handle.load());
    return this;
  }

  /** Attaches every program to where its section says. */
  attach(): Link[] {
    return call(() => this.handle.attach()).map((link) => new Link(link));
  }

  attachStructOps(map: RawMap | BpfMap<any, any>): Link {
    return new Link(call(() => this.handle.attachStructOps(rawOf(map).handle)));
  }

  program(name: string): Program {
    return new Program(call(() => this.handle.program(name)));
  }

  /** A map: with types for a name that was generated, with bytes for text. */
  map<N extends AnyMapName>(name: N): MapOf<N> {
    return typedMap(name, this.rawMap(name));
  }

  ringBuffer(name: RingBufferName | string): RingBuffer {
    return new RingBuffer(this.rawMap(name));
  }

  /** `pagesPerCpu` is a power of two; 0: the host's default. */
  perfBuffer(name: PerfEventArrayName | string, pagesPerCpu = 0): PerfBuffer {
    return new PerfBuffer(this.rawMap(name), pagesPerCpu);
  }

  userRingBuffer(name: UserRingBufferName | string): UserRingBuffer {
    return new UserRingBuffer(this.rawMap(name));
  }

  /** Sets a global variable; constants before load only. */
  set<T>(global: Global<T>, value: T): void {
    this.setBytes(global.name, encode(global.codec, value));
  }

  get<T>(global: Global<T>): T {
    return decode(global.codec, this.getBytes(global.name), `global "${global.name}"`);
  }

  setBytes(global: string, value: Uint8Array): void {
    call(() => this.handle.setGlobal(global, value));
  }

  getBytes(global: string): Uint8Array {
    return call(() => this.handle.getGlobal(global));
  }

  programs(): ProgramInfo[] {
    return this.handle.programs();
  }

  maps(): MapInfo[] {
    return this.handle.maps().map(mapInfo);
  }

  globals(): GlobalInfo[] {
    return this.handle.globals();
  }

  /** The types of the object. */
  btf(): Btf {
    return new Btf(call(() => this.handle.btf()));
  }

  /** It is unloaded when nothing that was made from it is left. */
  close(): void {
    this.handle[Symbol.dispose]();
  }

  private rawMap(name: AnyMapName): RawMap {
    return new RawMap(call(() => this.handle.map(textOf(name))));
  }
}

/** What a program gets when it is run by hand. */
export interface RunInput {
  data?: Uint8Array;
  context?: Uint8Array;
  repeat?: number;
  flags?: number;
  cpu?: number;
  batchSize?: number;
}

/** What it left. */
export interface RunOutput {
  returnValue: number;
  data: Uint8Array;
  context: Uint8Array;
  durationNs: number;
}

/** How often a program ran. */
export interface ProgramStatistics {
  runCount: bigint;
  runTimeNs: bigint;
  recursionMisses: bigint;
}

/** A BPF program of an object. */
export class Program {
  constructor(readonly handle: ProgramHandle) {}

  info(): ProgramInfo {
    return this.handle.info();
  }

  /** Whether load also loads this program. Before load. */
  setAutoload(load: boolean): void {
    call(() => this.handle.setAutoload(load));
  }

  /** Whether `BpfObject.attach` also attaches it. */
  setAutoattach(attach: boolean): void {
    call(() => this.handle.setAutoattach(attach));
  }

  /** The kernel function that a BTF-typed program is verified against. Before load. */
  setAttachTarget(name: string): void {
    call(() => this.handle.setAttachTarget(name));
  }

  /** Attaches to a target, or to where the section says. */
  attach(target?: Target): Link {
    return new Link(call(() => this.handle.attach(target ?? null)));
  }

  /** Takes the place of the program that the link holds. */
  replaceIn(link: Link): void {
    call(() => this.handle.replaceIn(link.handle));
  }

  /** Goes into a slot of a program array. */
  storeIn(map: RawMap | BpfMap<any, any>, index: number): void {
    const slot = word(index, "a slot");
    call(() => this.handle.storeIn(rawOf(map).handle, slot));
  }

  /** Runs it now. */
  testRun(input: RunInput = {}): RunOutput {
    const empty = new Uint8Array(0);
    return call(() =>
      this.handle.testRun({
        data: input.data ?? empty,
        context: input.context ?? empty,
        repeat: word(input.repeat ?? 0, "a number of runs"),
        flags: word(input.flags ?? 0, "flags"),
        cpu: input.cpu === undefined ? null : word(input.cpu, "a CPU"),
        batchSize: word(input.batchSize ?? 0, "a number of frames"),
      }),
    );
  }

  /** Counted while the kernel's statistics are on. */
  statistics(): ProgramStatistics {
    const counts = call(() => this.handle.statistics());
    const exact = (count: number) => unsignedFromHost(count, "a count of runs");
    return {
      runCount: exact(counts.runCount),
      runTimeNs: exact(counts.runTimeNs),
      recursionMisses: exact(counts.recursionMisses),
    };
  }

  close(): void {
    this.handle[Symbol.dispose]();
  }
}
