// Waits in every way and is asked to stop, or asks itself.

import { maps, objectName } from "bpf";
import {
  BatchBuilder,
  BpfError,
  BpfObject,
  Poller,
  args,
  exit,
  requestStop,
  show,
  sleep,
  stop,
  stopRequested,
  u32,
  waitForStop,
} from "eunomia-bpf";

import { count, option, result } from "../case.ts";

/** Longer than any test. */
const HOUR_MS = 3_600_000;

export function main(): void {
  const object = BpfObject.open(objectName).load();
  console.log(`asked: ${stopRequested()}`);
  const which = args()[0] ?? "";
  switch (which) {
    case "read":
    case "read-within":
      read(object, which === "read");
      break;
    case "poll":
      poll(object);
      break;
    case "sleep":
      console.log("waiting");
      console.log(`slept: ${sleep(HOUR_MS)}`);
      break;
    case "write":
      write(object);
      break;
    case "itself":
      requestStop();
      waitForStop();
      break;
    case "timers":
      timers();
      break;
    case "exit":
      exit(3);
    case "exit-255":
      exit(255);
    case "fail":
      throw new BpfError("other", "it was asked to fail");
    default:
      throw new BpfError("invalid-argument", "no such case");
  }
  console.log(`asked: ${stopRequested()}`);
  console.log(`stop is ready: ${stopRequested() === stop.subscribe().isReady()}`);
}

/** What arrives before the end is still read; from then on nothing is waited for. */
function read(object: BpfObject, forever: boolean): void {
  const ring = object.ringBuffer(maps.events);
  object.program("produce").testRun();
  let said = false;
  for (;;) {
    const batch = forever ? ring.next() : ring.nextWithin(HOUR_MS);
    if (batch === undefined) break;
    console.log(`read ${show([...batch.records(u32)])}`);
    if (!said) {
      console.log("waiting");
      said = true;
    }
  }
  object.program("produce").testRun();
  const last = ring.next();
  console.log(`left over: ${option(last && count(last.records(u32)))}`);
  console.log(`and then: ${ring.next() === undefined}`);
}

function poll(object: BpfObject): void {
  const ring = object.ringBuffer(maps.events);
  const poller = new Poller();
  const asked = poller.add(stop);
  const events = poller.add(ring);
  const hour = poller.after(HOUR_MS);
  console.log("waiting");
  const ready = poller.wait();
  console.log(`stop ${ready.has(asked)}, timer ${ready.has(hour)}`);
  console.log(`buffers too: ${poller.wait().has(events)}`);
}

/** A full buffer that nobody drains. */
function write(object: BpfObject): void {
  const commands = object.userRingBuffer(maps.commands);
  const batch = new BatchBuilder();
  for (let word = 0; word < 257; word++) batch.push(u32, word);
  console.log("waiting");
  commands.write(batch);
  console.log(`left ${batch.bytes.length} bytes`);
  console.log(`ready: ${commands.subscribe().isReady()}`);
}

function timers(): void {
  console.log(`slept: ${sleep(2)}`);
  const poller = new Poller();
  const asked = poller.add(stop);
  const tick = poller.every(2);
  const end = poller.after(20);
  let ticks = 0;
  for (;;) {
    const ready = poller.wait();
    if (ready.has(tick)) ticks++;
    if (ready.has(end)) {
      console.log(`stop ${ready.has(asked)}`);
      break;
    }
  }
  console.log(`several ticks: ${ticks > 1}, not too many: ${ticks <= 10}`);
  console.log(`nothing to wait for: ${result(() => new Poller().wait())}`);
}
