// The life of the guest.

import host from "eunomia:bpf/lifecycle@0.1.0";
import environment from "wasi:cli/environment@0.2.12";
import poll from "wasi:io/poll@0.2.12";

import { BpfError } from "./error.js";
import { flushRows } from "./output.js";
import { Pollable, Poller, type Waitable } from "./poll.js";

/** Whether the operator has asked the guest to stop. */
export function stopRequested(): boolean {
  return host.stopRequested();
}

/** Stop as though the operator had asked. */
export function requestStop(): void {
  host.requestStop();
}

/** Ready when the operator asks the guest to stop, and ever after. */
export const stop: Waitable = {
  subscribe: () => new Pollable(host.subscribeStop()),
};

/** Waits so long; false when the operator has asked the guest to stop. */
export function sleep(milliseconds: number): boolean {
  const poller = new Poller();
  poller.add(stop);
  poller.after(milliseconds);
  poller.wait();
  poller.close();
  return !stopRequested();
}

/** Waits until the operator asks the guest to stop. */
export function waitForStop(): void {
  const poller = new Poller();
  poller.add(stop);
  poller.wait();
  poller.close();
}

/** Ends the guest at once with an exit code from 0 to 255. */
export function exit(code: number): never {
  if (!Number.isInteger(code) || code < 0 || code > 255) {
    throw new BpfError("invalid-argument", `exit: ${code} is no exit code from 0 to 255`);
  }
  try {
    flushRows();
  } catch {
    // Of no use to anybody any more.
  }
  host.exit(code);
  throw new Error("the host ends the guest");
}

/** Ends the guest at once as a failure of the guest itself: a trap. */
export function abort(): never {
  // WASI: "If the list is empty, the call traps".
  poll.poll([]);
  throw new Error("the host ends the guest");
}

/** What the user gave to the tool; without its name. */
export function args(): string[] {
  return environment.getArguments().slice(1);
}
