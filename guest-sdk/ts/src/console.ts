// `console`, over the standard streams. The engine has none.

import stderr from "wasi:cli/stderr@0.2.12";
import stdin from "wasi:cli/stdin@0.2.12";
import stdout from "wasi:cli/stdout@0.2.12";
import type { InputStream, OutputStream } from "wasi:io/streams@0.2.12";

import { readSome } from "./attach.js";
import { BpfError, payloadOf } from "./error.js";
import { flushRows } from "./output.js";
import { show } from "./record.js";
import { decodeText, encodeText } from "./text.js";

declare global {
  /** Prints to the standard streams of the tool. */
  interface Console {
    /** To standard output, with a line end. */
    log(...values: unknown[]): void;
    info(...values: unknown[]): void;
    /** To standard error. */
    error(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    debug(...values: unknown[]): void;
  }
  var console: Console;
}

/** What WASI takes with one call. */
const WRITE_BYTES_MAX = 4096;

// Made when they are first used: the guest is initialized when it is built.
let out: OutputStream | undefined;
let err: OutputStream | undefined;
let input: InputStream | undefined;

/** Writes text to standard output as it is. Rows that were pushed before come first. */
export function print(text: string): void {
  flushRows();
  write((out ??= stdout.getStdout()), encodeText(text));
}

/** Writes text to standard error as it is. */
export function printError(text: string): void {
  write((err ??= stderr.getStderr()), encodeText(text));
}

/** Some text of standard input, undefined at its end. */
export function readInput(): string | undefined {
  const bytes = readSome(() => (input ??= stdin.getStdin()).blockingRead(WRITE_BYTES_MAX));
  return bytes === undefined ? undefined : decodeText(bytes);
}

function write(stream: OutputStream, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += WRITE_BYTES_MAX) {
    try {
      stream.blockingWriteAndFlush(bytes.subarray(at, at + WRITE_BYTES_MAX));
    } catch (thrown) {
      const closed = (payloadOf(thrown) as { tag?: string } | undefined)?.tag === "closed";
      throw new BpfError(closed ? "closed" : "other", "write to a standard stream");
    }
  }
}

function line(values: unknown[]): string {
  const words = values.map((value) => (typeof value === "string" ? value : show(value)));
  return `${words.join(" ")}\n`;
}

const toOutput = (...values: unknown[]) => print(line(values));
const toError = (...values: unknown[]) => printError(line(values));

globalThis.console = {
  log: toOutput,
  info: toOutput,
  error: toError,
  warn: toError,
  debug: toError,
};
