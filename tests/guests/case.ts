// How cases write down what happened: the words are those of the guests in Rust.

import { BpfError, show } from "eunomia-bpf";

/** `ErrorCode::NotFound` */
export function codeOf(error: unknown): string {
  if (!(error instanceof BpfError)) throw error;
  const words = error.code.split("-").map((word) => word[0]!.toUpperCase() + word.slice(1));
  return `ErrorCode::${words.join("")}`;
}

/** How a call ended: `ok`, or the error's code. */
export function code(call: () => unknown): string {
  try {
    call();
    return "ok";
  } catch (error) {
    return codeOf(error);
  }
}

/** `Ok(())` or `Err(ErrorCode::Busy)` */
export function result(call: () => unknown): string {
  const ended = code(call);
  return ended === "ok" ? "Ok(())" : `Err(${ended})`;
}

/** `Some(1)` or `None` */
export function option(value: unknown): string {
  return value === undefined ? "None" : `Some(${show(value)})`;
}

/** Words of 32 bits as bytes. */
export function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/** How many there are. */
export function count(items: Iterable<unknown>): number {
  let total = 0;
  for (const _ of items) total++;
  return total;
}
