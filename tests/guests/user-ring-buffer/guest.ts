// Writes a user ring buffer in every way.

import { globals, maps, objectName } from "bpf";
import { BatchBuilder, BpfObject, u32 } from "eunomia-bpf";

import { result, words } from "../case.ts";

/** Bytes of the buffer that a record needs beside its payload. */
const HEADER_BYTES = 8;
const RING_BYTES = 4096;

export function main(): void {
  const object = BpfObject.open(objectName).load();
  const commands = object.userRingBuffer(maps.commands);
  console.log(`second writer: ${result(() => object.userRingBuffer(maps.commands))}`);

  const batch = new BatchBuilder();
  commands.write(batch);
  console.log("an empty batch is written");
  for (let word = 1; word <= 3; word++) batch.push(u32, word);
  commands.write(batch);
  console.log(`written: ${batch.isEmpty}`);
  take(object, 10);

  // 16 bytes each: 256 of them fill the buffer.
  for (let word = 0; word < 300; word++) batch.push(u32, word);
  commands.tryWrite(batch);
  console.log(`left without room: ${batch.bytes.length} bytes`);
  commands.writeWithin(batch, 5);
  console.log(`left when the time is up: ${batch.bytes.length} bytes`);
  console.log(`ready: ${commands.subscribe().isReady()}`);
  take(object, 1);
  console.log(`ready: ${commands.subscribe().isReady()}`);
  commands.tryWrite(batch);
  console.log(`left: ${batch.bytes.length} bytes`);
  take(object, 1000);
  commands.write(batch);
  console.log(`left: ${batch.bytes.length} bytes`);
  take(object, 1000);

  commands.close();
  largest(object);
}

/** The largest record that fits, alone. */
function largest(object: BpfObject): void {
  const commands = object.userRingBuffer(maps.commands);
  let batch = new BatchBuilder();
  batch.pushBytes(new Uint8Array(RING_BYTES - HEADER_BYTES).fill(1));
  commands.write(batch);
  console.log(`largest written: ${batch.isEmpty}`);
  batch.push(u32, 1);
  batch.pushBytes(new Uint8Array(RING_BYTES - HEADER_BYTES + 1).fill(1));
  const tooLong = result(() => commands.write(batch));
  console.log(`one byte more: ${tooLong}, kept ${!batch.isEmpty}`);
  take(object, 10);

  // 4000 bytes do not fit beside 1000.
  batch = new BatchBuilder();
  batch.pushBytes(new Uint8Array(1000));
  batch.pushBytes(new Uint8Array(4000));
  commands.tryWrite(batch);
  console.log(`ready for 4000 bytes: ${commands.subscribe().isReady()}`);
  batch = new BatchBuilder();
  batch.pushBytes(new Uint8Array(8));
  commands.tryWrite(batch);
  console.log(`ready after a write that fitted: ${commands.subscribe().isReady()}`);
  take(object, 10);
}

function take(object: BpfObject, records: number): void {
  object.program("take").testRun({ context: words(records) });
  console.log(`taken ${object.get(globals.taken)}, sum ${object.get(globals.sum)}`);
}
