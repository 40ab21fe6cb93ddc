// Time and chance, which come from the host. The engine has none of its own: engine.mjs says why.

import monotonicClock from "wasi:clocks/monotonic-clock@0.2.12";
import wallClock from "wasi:clocks/wall-clock@0.2.12";
import host from "wasi:random/insecure@0.2.12";

declare global {
  /** Time that never goes back. */
  interface Performance {
    /** Milliseconds since an unknown moment. */
    now(): number;
  }
  var performance: Performance;
}

/** Random words that are fetched with one call. */
const WORDS = 256;

let words = new Uint32Array(0);
let next = 0;

function word(): number {
  if (next === words.length) {
    // A copy, which is aligned.
    words = new Uint32Array(host.getInsecureRandomBytes(WORDS * 4).slice().buffer);
    next = 0;
  }
  return words[next++]!;
}

/** From 0 to below 1, in steps of 2^-53. */
function random(): number {
  return ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53;
}

/** Milliseconds since 1970. */
function now(): number {
  const { seconds, nanoseconds } = wallClock.now();
  return seconds * 1000 + Math.floor(nanoseconds / 1e6);
}

Math.random = random;

globalThis.Date = new Proxy(Date, {
  construct: (type, values, newTarget) =>
    Reflect.construct(type, values.length === 0 ? [now()] : values, newTarget),
  apply: (type) => new type(now()).toString(),
  get: (type, name, receiver) => (name === "now" ? now : Reflect.get(type, name, receiver)),
});

globalThis.performance = { now: () => monotonicClock.now() / 1e6 };
