// Reads a ring buffer that is full, as often as the first argument says, and prints a line a round:
// nanoseconds of reading, records, the sum of their numbers.

// The types and maps of flood.bpf.c.
import { Event, maps, objectName } from "bpf";
import { BpfObject, args } from "eunomia-bpf";

export function main(): void {
  const rounds = Number(args()[0] ?? "1");
  const object = BpfObject.open(objectName).load();
  const events = object.ringBuffer(maps.events);
  const fill = object.program("fill");
  for (let round = 0; round < rounds; round++) {
    fill.testRun();
    const start = performance.now();
    let [records, sum] = [0, 0n];
    for (let batch = events.tryNext(); batch !== undefined; batch = events.tryNext()) {
      for (const event of batch.records(Event)) {
        records++;
        sum += event.number;
      }
    }
    const nanoseconds = Math.round((performance.now() - start) * 1e6);
    console.log(`${nanoseconds} ${records} ${sum}`);
  }
}
