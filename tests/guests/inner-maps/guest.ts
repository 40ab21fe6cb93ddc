// Works with maps in slots of maps.

import { globals, maps, objectName } from "bpf";
import { BpfObject, flags, show, u32 } from "eunomia-bpf";

import { option, result, words } from "../case.ts";

export function main(): void {
  const object = BpfObject.open(objectName).load();
  const slots = object.map(maps.slots).raw;
  const first = object.map(maps.first);
  first.update(1, 11);
  console.log(`declared slot: ${slots.lookupInner(words(0)) !== undefined}`);
  look(object, 0, 1);
  console.log(`empty slot: ${slots.lookupInner(words(1)) === undefined}`);
  look(object, 1, 1);

  const inner = slots.createInner().typed(u32, u32);
  const info = inner.info();
  console.log(`created: ${info.typeName} ${info.keySize} ${info.maxEntries}`);
  inner.update(1, 22);
  slots.updateInner(words(1), inner);
  inner.close();
  look(object, 1, 1);
  const found = slots.lookupInner(words(1))?.typed(u32, u32);
  console.log(`found again: ${option(found?.lookup(1))}`);
  found?.update(2, 33);
  look(object, 1, 2);
  slots.updateInner(words(1), first);
  look(object, 1, 1);
  console.log(`taken out of its slot: Some(${option(found?.lookup(2))})`);

  const named = object.map(maps.named).raw;
  console.log(`not there: ${named.lookupInner(words(7)) === undefined}`);
  named.updateInner(words(7), first, flags.NO_EXIST);
  console.log(`there: ${result(() => named.updateInner(words(7), first, flags.NO_EXIST))}`);
  const byName = named.lookupInner(words(7))?.typed(u32, u32);
  console.log(`by name: Some(${option(byName?.lookup(1))})`);
  console.log(`delete: ${named.delete(words(7))} ${named.delete(words(7))}`);

  const plain = object.map(maps.plain).raw;
  const refused = [
    result(() => plain.lookupInner(words(0))),
    result(() => plain.createInner()),
    result(() => plain.updateInner(words(0), first)),
  ];
  console.log(`no map of maps: [${refused.join(", ")}]`);
  console.log(`of another shape: ${result(() => slots.updateInner(words(2), plain))}`);
  console.log(`behind the last: ${result(() => slots.updateInner(words(3), first))}`);
}

/** Has the program look up a key in a slot. */
function look(object: BpfObject, slot: number, key: number): void {
  const { returnValue } = object.program("look").testRun({ context: words(slot, key) });
  const found = object.get(globals.found);
  console.log(`the program looks in ${show([slot, key])}: ${returnValue}, ${found}`);
}
