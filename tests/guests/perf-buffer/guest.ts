// Reads a perf event array.

import { Event, globals, maps, objectName } from "bpf";
import { BpfObject, type PerfBuffer } from "eunomia-bpf";

import { count, result } from "../case.ts";

export function main(): void {
  const object = BpfObject.open(objectName).load();
  for (const pages of [1, 4096, 8192, 3]) {
    const opened = result(() => object.perfBuffer(maps.events, pages).close());
    console.log(`${pages} pages: ${opened}`);
  }
  const perf = object.perfBuffer(maps.events, 1);
  console.log(`second reader: ${result(() => object.perfBuffer(maps.events))}`);
  console.log(`nothing yet: ${perf.tryNext() === undefined}`);
  console.log(`time is up: ${perf.nextWithin(5)?.isEmpty ?? false}`);

  output(object, 3);
  const batch = perf.next();
  if (batch !== undefined) {
    console.log(`lost ${batch.lost}`);
    for (const record of batch.rawRecords()) {
      const { number } = record.view(Event);
      console.log(`on CPU ${record.cpu}: Some(${number}), ${record.payload.length} bytes`);
    }
  }
  losses(object, perf);
  console.log(`all is read: ${perf.tryNext() === undefined}`);
}

/** More than a page holds; how many fit is the kernel's to say. */
function losses(object: BpfObject, perf: PerfBuffer): void {
  console.log(`nothing left: ${perf.tryNext() === undefined}`);
  output(object, 20);
  let read = 0;
  let lost = 0n;
  const readAll = () => {
    for (let batch = perf.tryNext(); batch !== undefined; batch = perf.tryNext()) {
      read += count(batch.records(Event));
      lost += batch.lost;
    }
  };
  readAll();
  // The kernel tells of losses with the next record that fits.
  output(object, 1);
  readAll();
  const all = BigInt(read) + lost;
  console.log(`read some: ${read > 5}, lost some: ${lost > 5n}, in all ${all}`);
}

function output(object: BpfObject, records: number): void {
  object.set(globals.records, records);
  object.program("output").testRun({ cpu: 0 });
}
