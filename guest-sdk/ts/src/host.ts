// The machine, and kernel symbols.

import host from "eunomia:bpf/host@0.1.0";
import symbols from "eunomia:bpf/symbols@0.1.0";

import { call } from "./error.js";
import { unsignedFromHost } from "./exact.js";

/** CPUs for which per-CPU values are kept. */
export function possibleCpus(): number {
  return host.possibleCpus();
}

/** A version of Linux. */
export interface KernelVersion {
  major: number;
  minor: number;
  patch: number;
}

/** The version of Linux. */
export function kernelVersion(): KernelVersion {
  return host.kernelVersion();
}

/** When `bpf_ktime_get_ns()` was 0, in nanoseconds since 1970. */
export function monotonicEpoch(): bigint {
  return nanosecondsOf(host.monotonicEpoch());
}

/** When `bpf_ktime_get_boot_ns()` was 0, in nanoseconds since 1970. */
export function bootEpoch(): bigint {
  return nanosecondsOf(host.bootEpoch());
}

function nanosecondsOf(time: { seconds: number; nanoseconds: number }): bigint {
  return BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds);
}

/** A kernel symbol, and where an address is in it. */
export interface KernelSymbol {
  name: string;
  /** Bytes behind its start. */
  offset: bigint;
  /** undefined: the kernel itself. */
  module: string | undefined;
}

/** The symbol of each address, undefined for those in no symbol. */
export function resolveKernel(
  addresses: BigUint64Array | readonly bigint[],
): (KernelSymbol | undefined)[] {
  const words = BigUint64Array.from(addresses);
  const found = call(() => symbols.resolveKernel(new Uint8Array(words.buffer)));
  return found.map((symbol) =>
    symbol === null
      ? undefined
      : {
          name: symbol.name,
          offset: unsignedFromHost(symbol.offset, `an offset in ${symbol.name}`),
          module: symbol.module ?? undefined,
        },
  );
}

/** The address of a kernel symbol. */
export function kernelAddress(name: string): bigint | undefined {
  const address = call(() => symbols.kernelAddress(name));
  return address === null ? undefined : unsignedFromHost(address, `the address of ${name}`);
}
