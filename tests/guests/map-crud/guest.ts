// Works with maps of every kind.

import { Guarded, Pair, Prefix, maps, objectName } from "bpf";
import { BpfObject, flags, show } from "eunomia-bpf";

import { code, count, option, words } from "../case.ts";

/** Bytes of keys or values that one call takes. */
const CALL_BYTES_MAX = 1 << 20;

export function main(): void {
  const object = BpfObject.open(objectName);
  const large = object.map(maps.large);
  console.log(`declared entries: ${large.info().maxEntries}`);
  // Room for a batch of the most bytes that one call takes.
  large.raw.setMaxEntries(300_000);
  object.load();
  hash(object);
  array(object);
  keyless(object);
  routes(object);
  locked(object);
  many(object);
  frozen(object);
}

function hash(object: BpfObject): void {
  const map = object.map(maps.small);
  const info = map.info();
  console.log(`hash: ${info.name} ${info.typeName} ${info.keySize} ${info.valueSize}`);
  console.log(`entries ${info.maxEntries} id ${info.id !== 0}`);
  const pair = (left: number, right: number) => Pair.of({ left, right });
  console.log(`missing: ${option(map.lookup(1))}`);
  map.update(1, pair(10, 11), flags.NO_EXIST);
  console.log(`found: ${option(map.lookup(1))}`);
  console.log(`there: ${code(() => map.update(1, pair(0, 0), flags.NO_EXIST))}`);
  console.log(`not there: ${code(() => map.update(2, pair(0, 0), flags.EXIST))}`);
  map.update(1, pair(20, 21), flags.EXIST);
  console.log(`changed: ${option(map.lookup(1))}`);
  for (let key = 2; key <= 4; key++) map.update(key, pair(key, key));
  console.log(`full: ${code(() => map.update(5, pair(5, 5)))}`);
  console.log(`full, but there: ${code(() => map.update(4, pair(4, 5)))}`);
  console.log(`delete: ${map.delete(2)} ${map.delete(2)}`);
  console.log(`take: ${option(map.lookupAndDelete(3))} ${option(map.lookupAndDelete(3))}`);

  const keys: number[][] = [];
  for (let key = map.raw.nextKey(); key !== undefined; key = map.raw.nextKey(key)) {
    keys.push([...key]);
  }
  keys.sort((a, b) => a[0]! - b[0]!);
  console.log(`keys: ${show(keys)}`);
  const gone = map.raw.nextKey(new Uint8Array(4).fill(9));
  console.log(`from a key that is gone: ${gone !== undefined}`);
}

function array(object: BpfObject): void {
  const map = object.map(maps.array);
  map.update(3, 33);
  console.log(`array: ${tuples(map)}`);
  console.log(`behind the end: ${option(map.lookup(4))}`);
  console.log(`update behind the end: ${code(() => map.update(4, 0))}`);
  console.log(`new: ${code(() => map.update(3, 0, flags.NO_EXIST))}`);
  console.log(`delete: ${code(() => map.delete(3))}`);
  console.log(`drain: ${code(() => map.drain())}`);
  console.log(`last key: ${option(map.raw.nextKey(words(3)))}`);
}

function keyless(object: BpfObject): void {
  const [queue, stack] = [object.map(maps.queue), object.map(maps.stack)];
  console.log(`queue: empty ${option(queue.peek())} ${option(queue.pop())}`);
  for (let value = 1; value <= 3; value++) {
    queue.push(value);
    stack.push(value);
  }
  console.log(`full: ${code(() => queue.push(4))} ${code(() => stack.push(4))}`);
  console.log(`first in: ${option(queue.peek())} ${option(queue.pop())}`);
  console.log(`last in: ${option(stack.peek())} ${option(stack.pop())}`);
  console.log(`drained queue: ${show([...queue.drain()].map(([, value]) => value))}`);
  console.log(`drained stack: ${show([...stack.drain()].map(([, value]) => value))}`);
  console.log(`walk over a queue: ${code(() => [...queue])}`);

  const bloom = object.map(maps.bloom);
  bloom.push(7);
  console.log(`bloom: ${bloom.mayContain(7)}`);
  console.log(`pop: ${code(() => bloom.pop())}`);
}

function routes(object: BpfObject): void {
  const map = object.map(maps.routes);
  const prefix = (bits: number, address: number[]) =>
    Prefix.of({ bits, address: Uint8Array.from(address) });
  map.update(prefix(8, [10, 0, 0, 0]), 8);
  map.update(prefix(16, [10, 1, 0, 0]), 16);
  for (const address of [
    [10, 1, 2, 3],
    [10, 2, 2, 3],
    [11, 0, 0, 0],
  ]) {
    console.log(`route of ${show(address)}: ${option(map.lookup(prefix(32, address)))}`);
  }
  const long = prefix(33, [0, 0, 0, 0]);
  console.log(`too many bits: ${option(map.lookup(long))}`);
  console.log(`set too many bits: ${code(() => map.update(long, 0))}`);
  const found = [...map].sort(([a], [b]) => a.bits - b.bits);
  console.log(`routes: ${tuples(found)}`);
  console.log(`drain: ${code(() => map.drain())}`);
  console.log(`delete: ${map.delete(prefix(8, [10, 0, 0, 0]))}`);
  console.log(`no route: ${option(map.lookup(prefix(32, [10, 2, 2, 3])))}`);
}

function locked(object: BpfObject): void {
  const map = object.map(maps.locked);
  map.update(1, Guarded.of({ count: 5 }), flags.LOCK | flags.NO_EXIST);
  console.log(`locked: ${option(map.lookup(1, flags.LOCK)?.count)}`);
  console.log(`no lock: ${code(() => object.map(maps.small).lookup(1, flags.LOCK))}`);
}

/** Many entries with one call. */
function many(object: BpfObject): void {
  const map = object.map(maps.large);
  const raw = map.raw;
  const total = CALL_BYTES_MAX / 8;
  const all = Array.from({ length: total }, (_, key) => key);
  const keys = new Uint8Array(Uint32Array.from(all).buffer);
  const values = new Uint8Array(BigUint64Array.from(all, BigInt).buffer);
  console.log(`most values in a batch: ${raw.updateBatch(keys, values)}`);
  const more = new Uint8Array(CALL_BYTES_MAX + 8);
  const beyond = code(() => raw.updateBatch(more.subarray(0, (total + 1) * 4), more));
  console.log(`one more: ${beyond}`);
  console.log(`an empty batch: ${raw.updateBatch(new Uint8Array(0), new Uint8Array(0))}`);
  const again = raw.updateBatch(keys.subarray(0, 8), values.subarray(0, 16), flags.NO_EXIST);
  console.log(`set where they are: ${again}`);

  const cursor = raw.iterate();
  const [one, ten, rest] = [1, 10, 0].map((most) => cursor.next(most)?.count ?? 0);
  cursor.close();
  // Up to 10: the kernel returns whole buckets of the hash table.
  const few = ten! >= 1 && ten! <= 10;
  console.log(`a step of 1: ${one}, of 10: ${few}, of all: ${rest! > 10}`);
  console.log(`within 1 MiB: ${rest! * 12 <= CALL_BYTES_MAX}`);

  let [walked, sum, steps] = [0, 0n, 0];
  const walk = raw.iterate();
  for (let entries = walk.next(); entries !== undefined; entries = walk.next()) {
    walked += entries.count;
    const step = new DataView(entries.values.buffer, entries.values.byteOffset);
    for (let index = 0; index < entries.count; index++) sum += step.getBigUint64(index * 8, true);
    steps++;
  }
  walk.close();
  console.log(`walked over ${walked}, sum ${sum}, several steps: ${steps > 1}`);

  const odd = all.filter((key) => key % 2 === 1);
  console.log(`deleted ${map.deleteBatch(odd)}`);
  console.log(`deleted again ${map.deleteBatch(odd.slice(0, 1000))}`);
  console.log(`deleted where they are ${map.deleteBatch(all.slice(0, 10))}`);
  const absent = new Uint8Array(CALL_BYTES_MAX).fill(0xff);
  console.log(`keys of 1 MiB: ${raw.deleteBatch(absent)}`);
  const drained = [...map.drain()].sort(([a], [b]) => a - b);
  console.log(`drained ${drained.length}, first Some(${tuple(drained[0]!)})`);
  console.log(`nothing left: ${count(map)}`);
}

/** Last: it cannot be undone. */
function frozen(object: BpfObject): void {
  const map = object.map(maps.array);
  map.raw.freeze();
  console.log(`frozen: ${map.info().frozen} ${code(() => map.update(1, 1))}`);
  console.log(`still read: ${option(map.lookup(3))}`);
  console.log(`again: ${code(() => map.raw.freeze())}`);
}

function tuple([key, value]: readonly [unknown, unknown]): string {
  return `(${show(key)}, ${show(value)})`;
}

function tuples(entries: Iterable<readonly [unknown, unknown]>): string {
  return `[${[...entries].map(tuple).join(", ")}]`;
}
