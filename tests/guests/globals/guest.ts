// Reads and sets global variables.

import { Pair, globals, objectName } from "bpf";
import { BpfError, BpfObject, cText, encodeText, show } from "eunomia-bpf";

import { codeOf, result } from "../case.ts";

export function main(): void {
  try {
    work();
  } catch (error) {
    if (error instanceof BpfError) console.log(codeOf(error));
    throw error;
  }
}

function work(): void {
  const object = BpfObject.open(objectName);
  const listed = object.globals().sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, section, size, constant, typeId } of listed) {
    if (section === "license") continue;
    const typed = typeId !== 0;
    console.log(`${name} in ${section}: ${size} bytes, constant ${constant}, typed ${typed}`);
  }
  console.log(`initial: ${object.get(globals.limit)} ${object.get(globals.total)}`);
  object.set(globals.limit, 5n);
  object.set(globals.total, 200n);
  object.set(globals.name, encodeText("guest"));
  console.log(`set: ${object.get(globals.limit)} ${object.get(globals.total)}`);

  object.load();
  console.log(`loaded: ${object.get(globals.limit)} ${object.get(globals.total)}`);
  const name = cText(object.get(globals.name));
  console.log(`name ${name}, kind ${show(object.getBytes("kind"))}`);
  object.program("work").testRun();
  console.log(`seen ${object.get(globals.seen)}, total ${object.get(globals.total)}`);
  object.set(globals.total, 0n);
  object.program("work").testRun();
  console.log(`from 0: ${object.get(globals.total)}`);
  console.log(`struct ${object.get(globals.both)}`);
  object.set(globals.both, Pair.of({ left: 3, right: 4n }));
  console.log(`struct ${object.get(globals.both)}`);
  const late = result(() => object.set(globals.limit, 6n));
  console.log(`a constant after load: ${late}`);
  const wrong = result(() => object.setBytes("total", new Uint8Array(4)));
  console.log(`half of a value: ${wrong}`);
}
