// Numbers of 64 bits, exactly.
//
// Almost all of them cross the boundary as bytes, which DataView reads as BigInt. Those few that are
// parameters or results of their own pass through the engine as a signed integer in a double: exact
// up to 2^53 in either direction. That covers counts, times and offsets, and all addresses of a
// kernel, which are less than 2^53 away from 2^64. Anything else is refused, never rounded.

import { BpfError } from "./error.js";

/** A u64 or s64 that the engine handed out, as the 64 bits that it was. */
export function fromHost(value: number, what: string): bigint {
  if (!Number.isSafeInteger(value)) {
    throw new BpfError(
      "not-supported",
      `read ${what}: it is beyond 2^53, which the JavaScript engine cannot pass exactly`,
    );
  }
  return BigInt(value);
}

/** A u64 result. */
export function unsignedFromHost(value: number, what: string): bigint {
  return BigInt.asUintN(64, fromHost(value, what));
}

/** A u64 parameter. */
export function toHost(value: number | bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new BpfError(
      "invalid-argument",
      `pass ${what}: ${value} is no integer from 0 to 2^53, which is what the JavaScript engine ` +
        "can pass exactly",
    );
  }
  return number;
}

/** A u32 parameter: the engine ends the guest for what is none. */
export function word(value: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new BpfError("invalid-argument", `pass ${what}: ${value} is no integer of 32 bits`);
  }
  return value;
}

/** Milliseconds as nanoseconds. */
export function nanoseconds(milliseconds: number): number {
  if (!(milliseconds >= 0)) {
    throw new BpfError("invalid-argument", `wait ${milliseconds} ms: a time cannot be negative`);
  }
  return Math.min(Math.round(milliseconds * 1e6), Number.MAX_SAFE_INTEGER);
}
