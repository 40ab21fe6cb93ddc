// Shows events and how many there are a second; the host drives it.

// The types, globals and maps of probe.bpf.c.
import { Event, globals, maps, objectName } from "bpf";
import {
  type Batch,
  BpfObject,
  type Driver,
  Field,
  FieldTable,
  type Plugin,
  Table,
  reportLost,
} from "eunomia-bpf";

class Starts implements Plugin {
  private object!: BpfObject;
  private events!: Table<Event>;
  private rates!: FieldTable<{ count: Field<bigint>; total: Field<bigint> }>;
  // Since the last tick, and in all.
  private count = 0n;
  private total = 0n;

  start(driver: Driver): void {
    this.object = BpfObject.open(objectName).load();
    driver.add(this.object.ringBuffer(maps.events));
    driver.setTick(1000);
    this.events = Table.fromBtf("events", this.object, Event);
    this.events.addHint("time_ns", "format", "time-boot-ns");
    this.rates = new FieldTable("rates", { count: Field.u64, total: Field.u64 });
    this.object.attach();
  }

  onEvents(_source: number, batch: Batch): void {
    for (const _ of batch.records(Event)) this.count++;
    this.events.emitBatch(batch);
  }

  onTick(): void {
    this.total += this.count;
    this.rates.push({ count: this.count, total: this.total });
    this.count = 0n;
    this.rates.endOfInterval();
  }

  stop(): void {
    reportLost(this.object.get(globals.lostEvents));
  }
}

export const plugin = new Starts();
