// Runs an iterator program over a map. In plain JavaScript.

import { maps, objectName } from "bpf";
import { BpfObject, show, target } from "eunomia-bpf";

import { result } from "../case.ts";

export function main() {
  const object = BpfObject.open(objectName).load();
  const numbers = object.map(maps.numbers);
  for (let key = 0; key < 3; key++) numbers.update(key, key + 4);
  const link = object.program("list_numbers").attach(target.iterator.mapElements("numbers"));
  const { name, targets } = link.info();
  console.log(`${name} at ${show(targets)}`);
  showRecords(link.iterate());
  console.log("once more, in small pieces");
  showRecords(link.iterate(5));

  const rest = link.iterate();
  link.close();
  console.log("the link is gone, what is being read stays:");
  showRecords(rest);

  const other = object.program("no_iterator").attach();
  console.log(`no iterator: ${result(() => other.iterate())}`);
}

/** Records of a key and a value. */
function showRecords(pieces) {
  const bytes = [...pieces].flatMap((piece) => [...piece]);
  for (let at = 0; at < bytes.length; at += 8) {
    console.log(`  ${show(bytes.slice(at, at + 8))}`);
  }
}
