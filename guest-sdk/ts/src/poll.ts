// Waiting for several things at once.

import host, { type Pollable as Handle } from "wasi:io/poll@0.2.12";
import clock from "wasi:clocks/monotonic-clock@0.2.12";

import { BpfError } from "./error.js";
import { nanoseconds } from "./exact.js";
import { flushRows } from "./output.js";

/**
 * What was made from a buffer must go before it, and in what order the engine frees objects nobody
 * knows: this holds both until one of them is closed.
 */
const children = new Map<object, Set<Pollable>>();

/** Something that becomes ready. */
export class Pollable {
  constructor(
    readonly handle: Handle,
    /** What it was made from. */
    private readonly parent?: object,
  ) {
    if (parent === undefined) return;
    const siblings = children.get(parent) ?? new Set();
    children.set(parent, siblings.add(this));
  }

  isReady(): boolean {
    return this.handle.ready();
  }

  close(): void {
    if (this.parent !== undefined) {
      const siblings = children.get(this.parent);
      siblings?.delete(this);
      if (siblings?.size === 0) children.delete(this.parent);
    }
    this.handle[Symbol.dispose]();
  }
}

/** Closes what was made from `parent`, before it is closed itself. */
export function closeChildren(parent: object): void {
  for (const child of [...(children.get(parent) ?? [])]) child.close();
}

/** What a {@link Poller} can wait for: buffers and {@link stop}. */
export interface Waitable {
  subscribe(): Pollable;
}

/** Names a thing that a poller waits for. */
export type Token = symbol;

interface Entry {
  pollable: Pollable;
  /** Of an interval, in nanoseconds. */
  length?: number;
  next?: number;
  once?: boolean;
}

/** Waits for several things at once. */
export class Poller {
  private readonly entries = new Map<Token, Entry>();

  /** Waits for a source too; it stays until the poller is closed. */
  add(source: Waitable): Token {
    return this.insert({ pollable: source.subscribe() });
  }

  /** Ready once, after this time. */
  after(milliseconds: number): Token {
    const pollable = new Pollable(clock.subscribeDuration(nanoseconds(milliseconds)));
    return this.insert({ pollable, once: true });
  }

  /** Ready at each interval; those that were slept through are not made up for. */
  every(milliseconds: number): Token {
    const length = Math.max(nanoseconds(milliseconds), 1);
    const next = clock.now() + length;
    return this.insert({ pollable: new Pollable(clock.subscribeInstant(next)), length, next });
  }

  /** Waits until something is ready, and says what. */
  wait(): Set<Token> {
    flushRows();
    const entries = [...this.entries];
    if (entries.length === 0) {
      throw new BpfError("invalid-state", "wait: the poller has nothing to wait for");
    }
    const ready = host.poll(entries.map(([, entry]) => entry.pollable.handle));
    const tokens = new Set<Token>();
    for (const index of Array.from(ready)) {
      const [token, entry] = entries[index]!;
      tokens.add(token);
      this.renew(token, entry);
    }
    return tokens;
  }

  close(): void {
    for (const entry of this.entries.values()) entry.pollable.close();
    this.entries.clear();
  }

  private insert(entry: Entry): Token {
    const token = Symbol("token");
    this.entries.set(token, entry);
    return token;
  }

  private renew(token: Token, entry: Entry): void {
    if (entry.once) {
      entry.pollable.close();
      this.entries.delete(token);
    } else if (entry.length !== undefined && entry.next !== undefined) {
      const passed = Math.max(Math.floor((clock.now() - entry.next) / entry.length), 0);
      entry.next += (passed + 1) * entry.length;
      entry.pollable.close();
      entry.pollable = new Pollable(clock.subscribeInstant(entry.next));
    }
  }
}
