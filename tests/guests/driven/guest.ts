// A plugin with two sources and ticks; its first argument says where it goes wrong, if anywhere.

import { maps, objectName } from "bpf";
import {
  type Batch,
  BpfError,
  BpfObject,
  type Driver,
  type Plugin,
  type SourceId,
  args,
  exit,
  requestStop,
  show,
  u32,
} from "eunomia-bpf";

import { result, words } from "../case.ts";

/** Writes records at each tick and adds up what arrives. */
class Driven implements Plugin {
  private which = "";
  private object!: BpfObject;
  private sources: SourceId[] = [];
  private readonly sums = [0, 0];
  private ticks = 0;

  start(driver: Driver): void {
    this.which = args()[0] ?? "";
    console.log("start");
    if (this.which === "help") {
      console.log("usage: driven");
      requestStop();
    }
    if (this.which === "exit-in-start") exit(9);
    this.failIn("start");
    this.object = BpfObject.open(objectName).load();
    if (this.which === "limits") limits(driver);
    const { events, others } = maps;
    this.sources = [events, others].map((map) => driver.add(this.object.ringBuffer(map)));
    console.log(`sources differ: ${this.sources[0] !== this.sources[1]}`);
    driver.setTick(2);
    // Delivered before the first tick.
    this.produce(5);
  }

  onEvents(source: SourceId, batch: Batch): void {
    this.failIn("events", "on-events");
    const index = this.sources.indexOf(source);
    if (index < 0) throw new Error(`events of ${source}`);
    let sum = Number(batch.lost);
    for (const value of batch.records(u32)) sum += value;
    this.sums[index]! += sum;
  }

  onTick(): void {
    this.ticks++;
    if (this.ticks <= 3) {
      console.log(`tick ${this.ticks}`);
      this.produce(10);
    }
    this.failIn("tick", "on-tick");
    if (this.ticks === 4 && this.which !== "until-asked") requestStop();
  }

  stop(): void {
    console.log(`stop: sums ${show(this.sums)}`);
    this.failIn("stop");
  }

  private produce(records: number): void {
    this.object.program("produce").testRun({ context: words(records) });
  }

  private failIn(place: string, shown = place): void {
    if (this.which === `fail-in-${place}`) {
      throw new BpfError("other", `it was asked to fail in ${shown}`);
    }
  }
}

/** The shortest tick. The most sources would be 256, but objects that have them are 16. */
function limits(driver: Driver): void {
  console.log(`less than a millisecond: ${result(() => driver.setTick(0.999999))}`);
  driver.setTick(1);
  console.log("a millisecond: ok");
}

export const plugin = new Driven();
