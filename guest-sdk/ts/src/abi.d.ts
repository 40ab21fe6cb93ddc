// The contract as the engine presents it to JavaScript: wit/ is the reference. Numbers of 64 bits
// arrive as `number`; exact.ts says what that costs. Everything here is internal to the SDK.

declare module "eunomia:bpf/errors@0.1.0" {
  export type ErrorCode =
    | "denied-by-policy"
    | "permission-denied"
    | "not-found"
    | "already-exists"
    | "invalid-argument"
    | "invalid-state"
    | "not-supported"
    | "rejected"
    | "limit-exceeded"
    | "out-of-memory"
    | "busy"
    | "try-again"
    | "interrupted"
    | "closed"
    | "other";
}

declare module "wasi:io/poll@0.2.12" {
  export interface Pollable {
    ready(): boolean;
    block(): void;
    [Symbol.dispose](): void;
  }
  const poll: { poll(pollables: Pollable[]): ArrayLike<number> };
  export default poll;
}

declare module "wasi:io/streams@0.2.12" {
  export interface OutputStream {
    blockingWriteAndFlush(bytes: Uint8Array): void;
  }
  export interface InputStream {
    blockingRead(bytesMax: number): Uint8Array;
    [Symbol.dispose](): void;
  }
}

declare module "wasi:cli/stdout@0.2.12" {
  import type { OutputStream } from "wasi:io/streams@0.2.12";
  const stdout: { getStdout(): OutputStream };
  export default stdout;
}

declare module "wasi:cli/stderr@0.2.12" {
  import type { OutputStream } from "wasi:io/streams@0.2.12";
  const stderr: { getStderr(): OutputStream };
  export default stderr;
}

declare module "wasi:cli/stdin@0.2.12" {
  import type { InputStream } from "wasi:io/streams@0.2.12";
  const stdin: { getStdin(): InputStream };
  export default stdin;
}

declare module "wasi:cli/environment@0.2.12" {
  const environment: { getArguments(): string[] };
  export default environment;
}

declare module "wasi:clocks/monotonic-clock@0.2.12" {
  import type { Pollable } from "wasi:io/poll@0.2.12";
  const clock: {
    now(): number;
    subscribeInstant(when: number): Pollable;
    subscribeDuration(length: number): Pollable;
  };
  export default clock;
}

declare module "wasi:clocks/wall-clock@0.2.12" {
  const clock: { now(): { seconds: number; nanoseconds: number } };
  export default clock;
}

declare module "wasi:random/insecure@0.2.12" {
  const random: { getInsecureRandomBytes(length: number): Uint8Array };
  export default random;
}

declare module "eunomia:bpf/attach@0.1.0" {
  import type { InputStream } from "wasi:io/streams@0.2.12";
  export interface LinkInfo {
    name: string;
    linkType: number;
    targets: string[];
    ids: number[];
  }
  export interface Link {
    info(): LinkInfo;
    keep(): void;
    detach(): void;
    iterate(): InputStream;
    [Symbol.dispose](): void;
  }
}

declare module "eunomia:bpf/btf@0.1.0" {
  export interface Variant {
    tag: string;
    val?: unknown;
  }
  export interface TypeDescription {
    id: number;
    name: string;
    size: number;
    kind: Variant;
  }
  export interface Btf {
    count(): number;
    describe(id: number): TypeDescription;
    find(name: string): number | null;
    closure(id: number): TypeDescription[];
    [Symbol.dispose](): void;
  }
}

declare module "eunomia:bpf/bpf-map@0.1.0" {
  export interface MapInfo {
    name: string;
    mapType: number;
    typeName: string;
    keySize: number;
    valueSize: number;
    userValueSize: number;
    maxEntries: number;
    mapFlags: number;
    keyTypeId: number;
    valueTypeId: number;
    mapExtra: number;
    pinName: string | null;
    frozen: boolean;
    id: number;
  }
  export interface Entries {
    count: number;
    keys: Uint8Array;
    values: Uint8Array;
  }
  export interface Cursor {
    next(entriesMax: number): Entries;
    [Symbol.dispose](): void;
  }
  export interface BpfMap {
    info(): MapInfo;
    setMaxEntries(maxEntries: number): void;
    setValueSize(bytes: number): void;
    setMapType(mapType: number): void;
    setAutocreate(create: boolean): void;
    setPinName(name: string): void;
    lookup(key: Uint8Array, flags: number): Uint8Array | null;
    update(key: Uint8Array, value: Uint8Array, flags: number): void;
    delete(key: Uint8Array): boolean;
    lookupAndDelete(key: Uint8Array, flags: number): Uint8Array | null;
    nextKey(key: Uint8Array | null): Uint8Array | null;
    iterate(): Cursor;
    drain(): Cursor;
    updateBatch(keys: Uint8Array, values: Uint8Array, flags: number): number;
    deleteBatch(keys: Uint8Array): number;
    lookupInner(key: Uint8Array): BpfMap | null;
    updateInner(key: Uint8Array, inner: BpfMap, flags: number): void;
    createInner(): BpfMap;
    readMemory(offset: number, length: number): Uint8Array;
    writeMemory(offset: number, bytes: Uint8Array): void;
    freeze(): void;
    [Symbol.dispose](): void;
  }
}

declare module "eunomia:bpf/bpf-object@0.1.0" {
  import type { Link } from "eunomia:bpf/attach@0.1.0";
  import type { BpfMap, MapInfo } from "eunomia:bpf/bpf-map@0.1.0";
  import type { Btf, Variant } from "eunomia:bpf/btf@0.1.0";
  export interface ProgramInfo {
    name: string;
    section: string;
    programType: number;
    typeName: string;
    attachType: number;
    attachTarget: string;
    autoload: boolean;
    autoattach: boolean;
    id: number;
  }
  export interface GlobalInfo {
    name: string;
    section: string;
    offset: number;
    size: number;
    typeId: number;
    constant: boolean;
  }
  export interface RunInput {
    data: Uint8Array;
    context: Uint8Array;
    repeat: number;
    flags: number;
    cpu: number | null;
    batchSize: number;
  }
  export interface RunOutput {
    returnValue: number;
    data: Uint8Array;
    context: Uint8Array;
    durationNs: number;
  }
  export interface ProgramStatistics {
    runCount: number;
    runTimeNs: number;
    recursionMisses: number;
  }
  export interface Program {
    info(): ProgramInfo;
    setAutoload(load: boolean): void;
    setAutoattach(attach: boolean): void;
    setAttachTarget(name: string): void;
    attach(target: Variant | null): Link;
    replaceIn(link: Link): void;
    storeIn(map: BpfMap, index: number): void;
    testRun(input: RunInput): RunOutput;
    statistics(): ProgramStatistics;
    [Symbol.dispose](): void;
  }
  export interface BpfObject {
    programs(): ProgramInfo[];
    maps(): MapInfo[];
    globals(): GlobalInfo[];
    program(name: string): Program;
    map(name: string): BpfMap;
    getGlobal(name: string): Uint8Array;
    setGlobal(name: string, value: Uint8Array): void;
    load(): void;
    attach(): Link[];
    attachStructOps(map: BpfMap): Link;
    btf(): Btf;
    [Symbol.dispose](): void;
  }
  const host: {
    listObjects(): string[];
    BpfObject: { open(name: string): BpfObject };
  };
  export default host;
}

declare module "eunomia:bpf/ring-buffer@0.1.0" {
  import type { BpfMap } from "eunomia:bpf/bpf-map@0.1.0";
  import type { Pollable } from "wasi:io/poll@0.2.12";
  export interface RingBuffer {
    read(consumed: number, bytesMax: number, timeout: number | null): Uint8Array;
    consume(consumed: number): void;
    subscribe(): Pollable;
    available(): number;
    [Symbol.dispose](): void;
  }
  const host: { RingBuffer: { open(map: BpfMap): RingBuffer } };
  export default host;
}

declare module "eunomia:bpf/perf-buffer@0.1.0" {
  import type { BpfMap } from "eunomia:bpf/bpf-map@0.1.0";
  import type { Pollable } from "wasi:io/poll@0.2.12";
  export interface PerfBatch {
    records: Uint8Array;
    lost: number;
  }
  export interface PerfBuffer {
    read(consumed: number, bytesMax: number, timeout: number | null): PerfBatch;
    subscribe(): Pollable;
    [Symbol.dispose](): void;
  }
  const host: { PerfBuffer: { open(map: BpfMap, pagesPerCpu: number): PerfBuffer } };
  export default host;
}

declare module "eunomia:bpf/user-ring-buffer@0.1.0" {
  import type { BpfMap } from "eunomia:bpf/bpf-map@0.1.0";
  import type { Pollable } from "wasi:io/poll@0.2.12";
  export interface UserRingBuffer {
    write(records: Uint8Array, timeout: number | null): number;
    subscribe(): Pollable;
    [Symbol.dispose](): void;
  }
  const host: { UserRingBuffer: { open(map: BpfMap): UserRingBuffer } };
  export default host;
}

declare module "eunomia:bpf/output@0.1.0" {
  import type { BpfObject } from "eunomia:bpf/bpf-object@0.1.0";
  export interface Hint {
    key: string;
    value: string;
  }
  export interface Field {
    name: string;
    type: string;
    cardinality: "one" | "optional" | "repeated";
    hints: Hint[];
  }
  export interface Table {
    addHints(field: string, hints: Hint[]): void;
    emit(rows: Uint8Array): void;
    endOfInterval(): void;
    [Symbol.dispose](): void;
  }
  const host: {
    Table: {
      fromBtf(name: string, object: BpfObject, typeName: string): Table;
      fromFields(name: string, fields: Field[]): Table;
    };
    reportLost(count: number): void;
    flush(): void;
  };
  export default host;
}

declare module "eunomia:bpf/lifecycle@0.1.0" {
  import type { Pollable } from "wasi:io/poll@0.2.12";
  const host: {
    stopRequested(): boolean;
    subscribeStop(): Pollable;
    requestStop(): void;
    exit(code: number): void;
  };
  export default host;
}

declare module "eunomia:bpf/symbols@0.1.0" {
  export interface Symbol {
    name: string;
    offset: number;
    module: string | null;
  }
  const host: {
    resolveKernel(addresses: Uint8Array): (Symbol | null)[];
    kernelAddress(name: string): number | null;
  };
  export default host;
}

declare module "eunomia:bpf/host@0.1.0" {
  export interface Version {
    major: number;
    minor: number;
    patch: number;
  }
  export interface Datetime {
    seconds: number;
    nanoseconds: number;
  }
  const host: {
    possibleCpus(): number;
    kernelVersion(): Version;
    monotonicEpoch(): Datetime;
    bootEpoch(): Datetime;
  };
  export default host;
}

declare module "eunomia:bpf/driver@0.1.0" {
  import type { PerfBuffer } from "eunomia:bpf/perf-buffer@0.1.0";
  import type { RingBuffer } from "eunomia:bpf/ring-buffer@0.1.0";
  const host: {
    addRingBuffer(buffer: RingBuffer): number;
    addPerfBuffer(buffer: PerfBuffer): number;
    setTick(interval: number): void;
  };
  export default host;
}
