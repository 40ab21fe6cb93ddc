// Shows the packets that the BPF program has counted, each second. The first argument is where it
// counts: `{{target}}` unless it says another place.

// The types and maps of probe.bpf.c.
import { Traffic, maps, objectName } from "bpf";
import { BpfObject, Table, args, sleep, target } from "eunomia-bpf";

const INTERVAL_MS = 1000;

export function main(): void {
  const place = args()[0] ?? "{{target}}";
  const object = BpfObject.open(objectName).load();
  const table = Table.fromBtf("traffic", object, Traffic);
  table.addHint("bytes", "format", "bytes");
  // Each interval shows the same entries anew.
  table.addHint("", "rows", "totals");
  table.addHint("", "sort", "protocol");

  const traffics = object.map(maps.traffics);
  object.program("on_packet").attach(target.text(place));
  for (let goesOn = true; goesOn; ) {
    // False when the operator asks to stop.
    goesOn = sleep(INTERVAL_MS);
    for (const [, traffic] of traffics) table.push(traffic);
    table.endOfInterval();
  }
}
