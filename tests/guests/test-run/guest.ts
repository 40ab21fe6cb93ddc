// Runs programs by hand.

import { BpfObject, type Program, show } from "eunomia-bpf";

import { code, words } from "../case.ts";

/** Runs of one call. */
const RUNS_MAX = 1_000_000;
/** Bytes of context that the kernel takes, one less than the host. */
const CONTEXT_BYTES_MAX = 65_535;
const CONTEXT_BYTES_HOST_MAX = 65_536;
const DATA_BYTES_MAX = 1 << 20;

export function main(): void {
  const object = BpfObject.open().load();
  const sum = object.program("add").testRun({ context: words(400, 5, 0) });
  console.log(`add: ${sum.returnValue}, ${show(sum.context)}`);

  const nothing = object.program("nothing");
  for (const bytes of [CONTEXT_BYTES_MAX, CONTEXT_BYTES_HOST_MAX + 1]) {
    const ended = code(() => nothing.testRun({ context: new Uint8Array(bytes) }));
    console.log(`context of ${bytes} bytes: ${ended}`);
  }

  const change = object.program("change");
  packet(change, 0);
  packet(change, 1);
  const many = (repeat: number, bytes: number) =>
    code(() => change.testRun({ data: new Uint8Array(bytes), repeat }));
  console.log(`many runs: ${many(RUNS_MAX, 64)}, more: ${many(RUNS_MAX + 1, 64)}`);
  console.log(`too much data: ${many(1, DATA_BYTES_MAX + 1)}`);
  console.log(`on CPU 0: ${code(() => nothing.testRun())}`);

  const before = nothing.statistics();
  for (let run = 0; run < 5; run++) nothing.testRun();
  const after = nothing.statistics();
  console.log(`runs: ${after.runCount - before.runCount}`);
  console.log(`time: ${after.runTimeNs > before.runTimeNs}`);
  console.log(`recursions: ${after.recursionMisses}`);
}

function packet(change: Program, first: number): void {
  const input = new Uint8Array(64).fill(0x11);
  input[0] = first;
  const { returnValue, data } = change.testRun({ data: input });
  console.log(`packet: ${returnValue}, ${data.length} bytes`);
  console.log(`  ${show(data.subarray(0, 2))} .. Some(${data.at(-1)})`);
}
