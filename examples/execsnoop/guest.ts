// Shows every program that starts and every process that ends.

import { globals, maps, objectName } from "bpf";
import { BpfObject, args, reportLost, stopRequested } from "eunomia-bpf";

import { HELP, type Options, parse } from "./options.ts";
import { Report } from "./report.ts";

export function main(): void {
  const options = parse(args());
  if (options === undefined) {
    console.log(HELP);
    return;
  }
  const object = BpfObject.open(objectName);
  configure(object, options);
  object.load();
  const events = object.ringBuffer(maps.events);
  const report = new Report(options);
  const links = object.attach();

  // Ends when the operator asks to stop and everything is read.
  for (const batch of events) {
    if (stopRequested()) {
      // Detach, so that there is an end to what is to be read.
      for (const link of links.splice(0)) link.close();
    }
    for (const record of batch.rawRecords()) report.push(record);
  }
  reportLost(object.get(globals.lostEvents));
}

/** What is filtered out here never leaves the kernel. */
function configure(object: BpfObject, options: Options): void {
  object.set(globals.filterPid, options.pid);
  object.set(globals.filterPpid, options.parent);
  if (options.uid !== undefined) object.set(globals.filterUid, options.uid);
  object.set(globals.filterComm, options.name);
  object.set(globals.durationNsMin, options.durationNsMin);
  object.set(globals.includeForks, options.forks);
  object.set(globals.argumentBytesMax, options.argumentBytesMax);
  // Whoever does not look at ends does not pay for them.
  object.program("on_exit").setAutoload(!options.starts);
  object.map(maps.events).setMaxEntries(options.bufferBytes);
}
