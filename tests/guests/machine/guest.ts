// Looks at the machine; prints nothing that differs between them.

import { globals, objectName } from "bpf";
import {
  BpfObject,
  bootEpoch,
  kernelAddress,
  kernelVersion,
  monotonicEpoch,
  possibleCpus,
  resolveKernel,
} from "eunomia-bpf";

import { code, option } from "../case.ts";

/** Addresses that one call takes. */
const ADDRESSES_MAX = 65_536;
const SECOND_NS = 1_000_000_000n;

export function main(): void {
  console.log(`CPUs: ${possibleCpus() >= 1}`);
  console.log(`Linux: ${kernelVersion().major >= 5}`);
  const [monotonic, boot] = [monotonicEpoch(), bootEpoch()];
  const start = 50n * 365n * 24n * 3600n * SECOND_NS;
  console.log(`started after 2020: [${monotonic > start}, ${boot > start}]`);
  // Suspended time is in the one and not in the other.
  console.log(`the boot comes first: ${boot <= monotonic + SECOND_NS}`);
  const apart = monotonic - monotonicEpoch();
  console.log(`the same each time: ${apart < SECOND_NS && -apart < SECOND_NS}`);

  const object = BpfObject.open(objectName).load();
  object.program("look").testRun();
  const now = monotonic + object.get(globals.nowNs);
  console.log(`the program's time is after it: ${now >= monotonic}`);
  kernelSymbols();
}

function kernelSymbols(): void {
  const address = kernelAddress("vfs_read");
  if (address === undefined) throw new Error("the kernel has no vfs_read");
  console.log(`no symbol: ${option(kernelAddress("no such symbol"))}`);
  for (const symbol of resolveKernel([address, address + 4n, 1n])) {
    if (symbol === undefined) console.log("in no symbol");
    else console.log(`${symbol.name}+0x${symbol.offset.toString(16)} of ${option(symbol.module)}`);
  }
  console.log(`none: ${resolveKernel([]).length}`);
  const most = new BigUint64Array(ADDRESSES_MAX).fill(address);
  console.log(`most: ${resolveKernel(most).filter((symbol) => symbol !== undefined).length}`);
  const more = new BigUint64Array(ADDRESSES_MAX + 1).fill(address);
  console.log(`more: Err(${code(() => resolveKernel(more))})`);
}
