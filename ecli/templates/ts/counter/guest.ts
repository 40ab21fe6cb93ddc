// Shows what the BPF program has counted since the last time, each second.

// The types and maps of probe.bpf.c.
import { Count, maps, objectName } from "bpf";
import { BpfObject, Table, args, sleep } from "eunomia-bpf";

export function main(): void {
  const interval = Number(args()[0] ?? 1) * 1000;
  const object = BpfObject.open(objectName).load();
  const table = Table.fromBtf("counts", object, Count);
  // The host sorts and cuts the rows of an interval.
  table.addHint("", "sort", "-switches,pid");
  table.addHint("", "limit", "10");

  const counts = object.map(maps.counts);
  object.attach();
  for (let goesOn = true; goesOn; ) {
    // False when the operator asks to stop.
    goesOn = sleep(interval);
    // Takes the entries out of the map, many at a time.
    for (const [, count] of counts.drain()) table.push(count);
    table.endOfInterval();
  }
}
