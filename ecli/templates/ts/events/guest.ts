// Shows the events that the BPF program reports.

// The types, globals and maps of probe.bpf.c.
import { Event, globals, maps, objectName } from "bpf";
import { BpfObject, Table, args, reportLost, stopRequested } from "eunomia-bpf";

export function main(): void {
  // Only processes with this in their name.
  const wanted = args()[0] ?? "";
  const object = BpfObject.open(objectName).load();
  const table = Table.fromBtf("events", object, Event);
  table.addHint("time_ns", "format", "time-boot-ns");
  table.addHint("time_ns", "title", "TIME");
  table.addHint("pid", "width", "7");
  table.addHint("uid", "width", "5");

  const events = object.ringBuffer(maps.events);
  const links = object.attach();
  // Ends when the operator asks to stop and everything is read.
  for (const batch of events) {
    if (stopRequested()) {
      // Detach, so that there is an end to what is to be read.
      for (const link of links.splice(0)) link.close();
    }
    for (const event of batch.records(Event)) {
      if (event.commText.includes(wanted)) table.push(event);
    }
  }
  reportLost(object.get(globals.lostEvents));
}
