// Traps while it holds a loaded object: says so, then aborts.

import { globals, objectName } from "bpf";
import { BpfObject, abort } from "eunomia-bpf";

export function main(): void {
  const object = BpfObject.open(objectName).load();
  object.set(globals.mark, 1);
  console.log(`mark ${object.get(globals.mark)}`);
  abort();
}
