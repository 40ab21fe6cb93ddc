// Reads and writes the memory of arrays and of global data.

import { globals, maps, objectName } from "bpf";
import { BpfObject, show } from "eunomia-bpf";

import { code, option, words } from "../case.ts";

/** Bytes that one call reads. */
const CALL_BYTES_MAX = 1 << 20;

export function main(): void {
  const object = BpfObject.open(objectName).load();
  const shared = object.map(maps.shared);
  const memory = shared.raw;
  shared.update(1, 0x0102);
  memory.writeMemory(16, words(40));
  object.program("bump").testRun();
  console.log(`elements 1 and 2: ${show(memory.readMemory(8, 16))}`);
  console.log(`as entries: ${option(shared.lookup(1))} ${option(shared.lookup(2))}`);
  console.log(`nothing: ${show(memory.readMemory(8, 0))}`);
  console.log(`most: ${memory.readMemory(0, CALL_BYTES_MAX).length}`);
  console.log(`more: ${code(() => memory.readMemory(0, CALL_BYTES_MAX + 1))}`);
  memory.writeMemory(8, new Uint8Array(CALL_BYTES_MAX).fill(7));
  console.log(`most written: ${show(memory.readMemory(CALL_BYTES_MAX + 7, 2))}`);
  const end = 140_000 * 8;
  console.log(`last byte: ${show(memory.readMemory(end - 1, 1))}`);
  console.log(`over the end: ${code(() => memory.readMemory(end - 1, 2))}`);
  const beyond = code(() => memory.writeMemory(end - 1, new Uint8Array(2)));
  console.log(`written over the end: ${beyond}`);

  const bss = object.map(".bss");
  const offset = object.globals().find(({ name }) => name === "counter")?.offset ?? 0;
  console.log(`.bss: ${show(bss.readMemory(offset, 8))}`);
  bss.writeMemory(offset, words(100, 0));
  object.program("bump").testRun();
  console.log(`as global: ${object.get(globals.counter)}`);
  for (const [name, section] of [
    ["initialized", ".data"],
    ["constant", ".rodata"],
  ] as const) {
    console.log(`${name}: ${show(object.map(section).readMemory(0, 4))}`);
  }
  const constant = code(() => object.map(".rodata").writeMemory(0, new Uint8Array(1)));
  console.log(`constant: ${constant}`);
}
