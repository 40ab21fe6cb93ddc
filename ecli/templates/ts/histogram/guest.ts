// Shows a histogram of what the BPF program measures, each second.

// The types and maps of probe.bpf.c.
import { Histogram, maps, objectName } from "bpf";
import { BpfObject, Table, args, sleep } from "eunomia-bpf";

export function main(): void {
  const interval = Number(args()[0] ?? 1) * 1000;
  const object = BpfObject.open(objectName).load();
  const table = Table.fromBtf("lives", object, Histogram);
  table.addHint("slots", "histogram", "log2");
  table.addHint("slots", "unit", "usecs");

  const lives = object.map(maps.lives);
  object.attach();
  for (let goesOn = true; goesOn; ) {
    // False when the operator asks to stop.
    goesOn = sleep(interval);
    const histogram = lives.lookup(0);
    if (histogram !== undefined) {
      table.push(histogram);
      table.endOfInterval();
    }
  }
}
