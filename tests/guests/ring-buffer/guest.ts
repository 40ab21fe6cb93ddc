// Reads a ring buffer in every way.

import { Event, maps, objectName } from "bpf";
import { BpfObject, Poller, type RingBuffer } from "eunomia-bpf";

import { count, result, words } from "../case.ts";

/** Longer than the program takes to write its late record. */
const PATIENCE_MS = 10_000;

export function main(): void {
  const object = BpfObject.open(objectName).load();
  const ring = object.ringBuffer(maps.events);
  console.log(`second reader: ${result(() => object.ringBuffer(maps.events))}`);
  console.log(`nothing yet: ${ring.tryNext() === undefined}`);
  console.log(`time is up: ${ring.nextWithin(5)?.isEmpty ?? false}`);
  echo(object, ring);
  pieces(object, ring);
  full(object, ring);
  late(object, ring);
  ring.close();
  const again = object.ringBuffer(maps.events);
  console.log(`a new reader finds ${again.available()} bytes`);
}

/** Prints what the program wrote, discarded records left out. */
function echo(object: BpfObject, ring: RingBuffer): void {
  console.log(`echo: wrote ${fill(object, 5, 2)}`);
  console.log(`available ${ring.available()}`);
  const batch = ring.next();
  if (batch !== undefined) {
    console.log(`batch of ${batch.bytes.length} bytes`);
    for (const event of batch.records(Event)) {
      console.log(`  ${event.number} ${event.textText}`);
    }
  }
  console.log(`available while held ${ring.available()}`);
  ring.release();
  console.log(`available after ${ring.available()}`);
}

/** Reads a record at a time, however few bytes were asked for. */
function pieces(object: BpfObject, ring: RingBuffer): void {
  fill(object, 3, 0);
  for (const bytesMax of [1, 24, 47]) {
    ring.setBatchBytesMax(bytesMax);
    const bytes = ring.tryNext()?.bytes.length ?? 0;
    console.log(`of at most ${bytesMax} bytes: ${bytes}`);
  }
  console.log(`and then: ${ring.tryNext() === undefined}`);
  ring.setBatchBytesMax(0);
}

/** More than the ring holds is lost; what is read leaves room. */
function full(object: BpfObject, ring: RingBuffer): void {
  console.log(`full: wrote ${fill(object, 5000, 0)} of 5000`);
  console.log(`no room: ${fill(object, 1, 0)}`);
  let [records, batches, largest] = [0, 0, 0];
  for (let batch = ring.tryNext(); batch !== undefined; batch = ring.tryNext()) {
    records += count(batch.records(Event));
    largest = Math.max(largest, batch.bytes.length);
    batches++;
  }
  console.log(`read ${records} in ${batches > 1 ? "several" : "no"} batches`);
  console.log(`none above half of the ring: ${largest <= 32 * 1024}`);
  console.log(`room again: ${fill(object, 1, 0)}`);
  console.log(`read ${count(ring.tryNext()?.records(Event) ?? [])}`);
}

/** Waits for a record, in the call and with a poller. */
function late(object: BpfObject, ring: RingBuffer): void {
  ring.release();
  object.program("fill_later").testRun();
  for (const event of ring.next()?.records(Event) ?? []) {
    console.log(`late: ${event.number} ${event.textText}`);
  }
  ring.release();
  const poller = new Poller();
  const events = poller.add(ring);
  const short = poller.after(5);
  console.log(`the timer is first: ${poller.wait().has(short)}`);
  object.program("fill_later").testRun();
  poller.after(PATIENCE_MS);
  console.log(`the record is first: ${poller.wait().has(events)}`);
  console.log(`still ready: ${poller.wait().has(events)}`);
  console.log(`read ${count(ring.tryNext()?.records(Event) ?? [])}`);
  poller.close();
}

/** Runs the program that writes records, some of them discarded; returns how many fitted. */
function fill(object: BpfObject, records: number, discarded: number): number {
  return object.program("fill").testRun({ context: words(records, discarded) }).returnValue;
}
