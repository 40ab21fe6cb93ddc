// The rows that are shown.

import { Event, EventKind } from "bpf";
import { Field, FieldTable, type RawRecord, bootEpoch, decodeText } from "eunomia-bpf";

import type { Options } from "./options.ts";

/** Stands for the arguments that were not kept. */
const CUT_MARK = "...";

export class Report {
  private readonly table;
  /** The time from which the kernel counts the time of events. */
  private readonly epoch = bootEpoch();

  constructor(options: Options) {
    this.table = new FieldTable("processes", {
      time: Field.u64.hint("format", "time-ns").hint("hidden", String(!options.time)),
      event: Field.text.hint("width", "5"),
      pid: Field.u32.hint("width", "7"),
      ppid: Field.u32.hint("width", "7"),
      uid: Field.u32.hint("width", "5"),
      comm: Field.text.hint("width", "15"),
      code: Field.u32.hint("width", "4").optional(),
      signal: Field.u32.hint("format", "signal").hint("width", "7").optional(),
      duration: Field.u64.hint("format", "duration-ns").optional(),
      file: Field.text.hint("width", "20").optional(),
      arguments: Field.text.repeated(),
    });
  }

  push(record: RawRecord): void {
    const event = record.view(Event);
    const row = {
      time: this.epoch + event.timeNs,
      pid: event.pid,
      ppid: event.ppid,
      uid: event.uid,
      comm: event.commText,
    };
    if (event.kind === EventKind.EVENT_EXEC) {
      const text = record.payload.subarray(Event.TAIL_OFFSET);
      this.table.push({ ...row, ...exec(event, text) });
    } else {
      this.table.push({ ...row, ...exit(event) });
    }
  }
}

function exec(event: Event, text: Uint8Array) {
  const file = decodeText(withoutNul(text.subarray(0, event.fileBytes)));
  const words = decodeText(withoutNul(text.subarray(event.fileBytes))).split("\0");
  if (event.argumentBytes < event.argumentBytesTotal) words.push(CUT_MARK);
  return {
    event: "exec",
    code: undefined,
    signal: undefined,
    duration: undefined,
    file,
    arguments: words,
  };
}

function exit(event: Event) {
  const signal = event.exitStatus & 0x7f;
  return {
    event: "exit",
    code: signal === 0 ? event.exitStatus >>> 8 : undefined,
    signal: signal !== 0 ? signal : undefined,
    duration: event.durationNs,
    file: undefined,
    arguments: [],
  };
}

function withoutNul(text: Uint8Array): Uint8Array {
  return text.at(-1) === 0 ? text.subarray(0, -1) : text;
}
