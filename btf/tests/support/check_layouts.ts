// Run by a test with the types that are generated from `layouts.bpf.c`: reads what `dump.c` prints and
// compares. Of the SDK it has everything but the host.

import * as bpf from "bpf";
import { type Struct, type StructType, i128, u128, u64 } from "eunomia-bpf";

/** What the test gives. */
declare const dump: string;
declare const print: (text: string) => void;

const values = new Map<string, Uint8Array>();
for (const line of dump.split("\n")) {
  const [kind, name, hex] = line.split(" ");
  if (kind === "value") values.set(name!, bytesOf(hex!));
}

checkPlain();
checkNested();
checkBits();
checkEvent();
checkNames();
print("checked\n");

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) => parseInt(hex.substr(at * 2, 2), 16));
}

/** Text in which numbers, big ones, bytes and structs differ. */
function shown(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  if (value instanceof Uint8Array) return `bytes ${shown([...value])}`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function same(found: unknown, wanted: unknown, what = "value"): void {
  if (shown(found) !== shown(wanted)) {
    throw new Error(`${what}: ${shown(found)} is not ${shown(wanted)}`);
  }
}

function refused(what: string, call: () => void): void {
  try {
    call();
  } catch {
    return;
  }
  throw new Error(`${what} is not refused`);
}

/** Reads a record from bytes at an odd address, and writes all of its members again. */
function record<T extends Struct>(type: StructType<T>): T {
  // Behind the struct is its flexible array, if it has one.
  const data = values.get(type.NAME)!.subarray(0, type.SIZE);
  same(data.length, type.SIZE, type.NAME);
  const memory = new Uint8Array(type.SIZE + 2).fill(0xaa);
  memory.set(data, 1);
  const view = new type(new DataView(memory.buffer), 1);
  same(view.bytes(), data, type.NAME);
  const members = type.MEMBERS as readonly (keyof T)[];
  const copy = new type(new DataView(new ArrayBuffer(type.SIZE)), 0);
  for (const name of members) copy[name] = view[name];
  const tail = (type as { TAIL_OFFSET?: number }).TAIL_OFFSET ?? type.SIZE;
  same(copy.bytes().subarray(0, tail), data.subarray(0, tail), type.NAME);
  same(view.copy().bytes(), data, type.NAME);
  same([memory[0], memory[type.SIZE + 1]], [0xaa, 0xaa], type.NAME);
  return view.copy();
}

function checkPlain(): void {
  const padded = record(bpf.Padded);
  const made = bpf.Padded.of({
    first: 1,
    second: 0xdeadbeef,
    third: 3,
    fourth: 0x0102030405060708n,
    last: 5,
  });
  same(padded.bytes(), made.bytes());
  same(
    String(padded),
    "Padded { first: 1, second: 3735928559, third: 3, fourth: 72623859790382856, last: 5 }",
  );
  const n = record(bpf.Numbers);
  same([n.a, n.b, n.c, n.d, n.e, n.f], [255, -1, 65535, -2, 4_000_000_000, -3]);
  same([n.g, n.h], [18_000_000_000_000_000_000n, -4n]);
  same([n.i, n.j, n.k, n.l], [true, "x".charCodeAt(0), 1.5, -2.25]);
  same([n.m, n.n], [-(1n << 100n), (1n << 127n) + 1n]);
  n.g = (1n << 64n) - 1n;
  n.h = -(1n << 63n);
  n.m = -1n;
  same([n.g, n.h, n.m, n.n], [(1n << 64n) - 1n, -(1n << 63n), -1n, (1n << 127n) + 1n]);
  same([i128.SIZE, u128.SIZE, u64.SIZE], [16, 16, 8]);
}

function checkNested(): void {
  const nested = record(bpf.Nested);
  same([nested.tag, nested.at.x, nested.at.y], [7, -1, 2]);
  same([nested.anonymousType.innerA, nested.anonymousType.innerB], [3, 4]);
  same([nested.flatA, nested.flatB, nested.flatWord], [5, 6n, 0x04030201]);
  same(nested.flatBytes, Uint8Array.of(1, 2, 3, 4));
  same([nested.path[1]!.y, nested.path[2]!.x, nested.path.length], [8, 9, 3]);
  same(nested.grid, [
    [0, 0, 0],
    [0, 0, 10],
  ]);
  nested.flatWord = 0xffff0000;
  same(nested.flatBytes, Uint8Array.of(0, 0, 0xff, 0xff));
  // Structs are views of what they are in, also in an array.
  nested.at.x = 76;
  nested.path[0]!.x = 77;
  same([nested.at.x, nested.path[0]!.x], [76, 77]);
  refused("an array of another length", () => (nested.grid = [[1, 2, 3]]));

  const c = record(bpf.Connection);
  same([c.family, c.source.v4, c.port], [2, 0x0100007f, 443]);
  same(c.target.words, [0n, 0x1122334455667788n]);
  c.source.point = bpf.Point.of({ x: 1, y: -1 });
  same(c.source.words[0], 0xffffffff00000001n);

  const aligned = record(bpf.Aligned);
  same([aligned.a, aligned.p.x, aligned.p.y, aligned.b], [1, 2, 0, 3]);
}

function checkBits(): void {
  const f = record(bpf.Flags);
  const everything = () => [f.a, f.b, f.c, f.d, f.plain, f.e, f.kind, f.yes];
  const expected = [1, 5, -7, 0xabcdef0123n, 9, 300, bpf.EventKind.EVENT_EXIT, true];
  same(everything(), expected);
  // Setting one leaves the others.
  [f.d, f.c, f.kind, f.yes] = [1n, 15, bpf.EventKind.EVENT_type, false];
  same(everything(), [1, 5, 15, 1n, 9, 300, 7, false]);
  [f.d, f.c, f.kind, f.yes] = [0xabcdef0123n, -7, bpf.EventKind.EVENT_EXIT, true];
  same(f.bytes(), values.get("flags"));

  const packed = record(bpf.Packed);
  same([packed.b, packed.c, packed.p.y], [0x01020304, 5n, -6]);
  same([packed.address.v6[15], packed.d], [7, 8]);
}

function checkEvent(): void {
  const event = record(bpf.Event);
  same([event.timestamp, event.pid], [123456789n, 42]);
  same([event.kind, event.small], [bpf.EventKind.EVENT_EXEC, bpf.SmallKind.SMALL_B]);
  same([event.commText, bpf.EventKind[event.kind]], ["bash", "EVENT_EXEC"]);
  same([event.raw, event.address], [Uint8Array.of(1, 2, 3, 4, 5), 0xffff888012345678n]);
  same([event.delta, event.type, event.self], [-9n, 11, 12]);
  const text = (bytes: Uint8Array) => String.fromCharCode(...bytes).replace(/\0.*$/, "");
  same(event.names.map(text), ["one", "two"]);
  event.comm = "other";
  same([event.commText, event.comm.length], ["other", 16]);
  refused("text that is too long", () => (event.comm = "x".repeat(17)));

  const tail = record(bpf.WithTail);
  same([tail.length, tail.code, bpf.WithTail.TAIL_OFFSET], [5, 6, 6]);
  same([record(bpf.WithRecords).count, bpf.WithRecords.TAIL_OFFSET], [2, 4]);
  same([record(bpf.UnnamedT).id, record(bpf.UnnamedT).labelText], [77, "sixsix"]);
}

function checkNames(): void {
  same(bpf.objectName, "layouts");
  const { start, queue, stacks, counts, events, samples, commands } = bpf.maps;
  same([start.name, start.key.SIZE, start.value.SIZE], ["start", 16, 24]);
  same([queue.key.SIZE, stacks.value.SIZE, counts.value.SIZE], [0, 127 * 8, 8]);
  same([events.name, samples.name, commands.name], ["events", "samples", "commands"]);
  same([counts.kind, events.kind], ["per-CPU map", "ring buffer"]);
  const { targComm, dropped, lastSeen } = bpf.globals;
  same([targComm.name, targComm.codec.SIZE, dropped.name], ["targ_comm", 16, "dropped"]);
  same(lastSeen.codec.SIZE, bpf.Padded.SIZE);
  same(["notVisible" in bpf.globals, "TaskStruct" in bpf], [false, false]);
}
