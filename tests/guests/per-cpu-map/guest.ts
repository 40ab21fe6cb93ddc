// Works with values of each CPU; prints nothing that depends on how many there are.

import { maps, objectName } from "bpf";
import { BpfObject, flags, possibleCpus } from "eunomia-bpf";

import { option, result } from "../case.ts";

export function main(): void {
  const object = BpfObject.open(objectName).load();
  const cpus = possibleCpus();
  const counts = object.map(maps.counts);
  const info = counts.info();
  console.log(`value ${info.valueSize} bytes`);
  console.log(`8 bytes for each CPU: ${info.userValueSize === 8 * cpus}`);

  const program = object.program("count");
  for (let run = 0; run < 3; run++) program.testRun({ cpu: 0 });
  const values = counts.lookup(1);
  if (values === undefined) throw new Error("the key is gone");
  console.log(`a value for each CPU: ${values.length === cpus}`);
  const sum = values.reduce((sum, value) => sum + value);
  console.log(`on CPU 0: ${values[0]}, in all: ${sum}`);

  const each = Array.from({ length: cpus }, (_, cpu) => BigInt(cpu) + 5n);
  counts.update(0, each);
  const read = counts.lookup(0) ?? [];
  console.log(`each CPU's own: ${each.every((value, cpu) => value === read[cpu])}`);
  for (const [key, values] of counts) console.log(`${key}: first ${option(values[0])}`);
  const short = result(() => counts.raw.update(new Uint8Array(4), new Uint8Array(4)));
  console.log(`one CPU's value: ${short}`);

  const words = object.map(maps.words);
  const all = (value: number) => new Array<number>(cpus).fill(value);
  console.log(`padded to 8 bytes: ${words.info().userValueSize === 8 * cpus}`);
  words.update(7, all(3), flags.NO_EXIST);
  const set = words.lookup(7)?.every((value) => value === 3) ?? false;
  console.log(`all set: ${set}`);
  const batch = words.updateBatch([
    [1, all(1)],
    [2, all(2)],
  ]);
  console.log(`set in a batch: ${batch}`);
  console.log(`taken: ${option(words.lookupAndDelete(2)?.[0])}`);
  const drained = [...words.drain()].sort(([a], [b]) => a - b);
  const shown = drained.map(([key, values]) => `(${key}, ${values[0]})`);
  console.log(`drained: [${shown.join(", ")}]`);
}
