// Structured output: rows that the host shows as the operator chose. Rows are gathered, and handed on
// when there are many of them or the guest waits.

import host, { type Field as HostField, type Table as Handle } from "eunomia:bpf/output@0.1.0";

import { type Batch, BatchBuilder } from "./batch.js";
import { BpfError, call } from "./error.js";
import { toHost } from "./exact.js";
import type { BpfObject } from "./object.js";
import type { Struct, StructType } from "./record.js";
import * as codec from "./record.js";
import { encodeText } from "./text.js";

/** How many bytes of rows are gathered before they are handed on. */
const ROWS_BYTES = 64 << 10;
/** What one call takes. */
const CALL_BYTES_MAX = 1 << 20;

/** The table that has rows; of several the order of rows would be lost. */
let gathering: AnyTable | undefined;

/** Hands on all rows: before the guest waits. */
export function flushRows(): void {
  gathering?.flush();
}

/** Hands on all rows, and has them shown now. */
export function flush(): void {
  flushRows();
  call(() => host.flush());
}

/** Counts events that were lost before the guest saw them, but for those of perf event arrays. */
export function reportLost(count: number | bigint): void {
  host.reportLost(toHost(count, "a number of events"));
}

/** What all tables can do. */
abstract class AnyTable {
  protected readonly rows = new BatchBuilder();

  protected constructor(protected readonly handle: Handle) {}

  /** Says that the rows of one interval are complete. */
  endOfInterval(): void {
    flushRows();
    call(() => this.handle.endOfInterval());
  }

  /** Hands on the rows that were gathered. */
  flush(): void {
    if (gathering === this) gathering = undefined;
    while (!this.rows.isEmpty) {
      const rows = this.rows.firstBytes(CALL_BYTES_MAX);
      this.rows.removeFirst(rows.length);
      call(() => this.handle.emit(rows));
    }
  }

  /** A row is next: those of other tables come first. */
  protected begin(): void {
    if (gathering !== this) flushRows();
    gathering = this;
  }

  protected pushed(): void {
    if (this.rows.bytes.length >= ROWS_BYTES) this.flush();
  }
}

/** Rows that are structs of the BPF object: the host decodes them. */
export class Table<T extends Struct> extends AnyTable {
  /** A table of a struct, by its class or by its name in the object's BTF. */
  static fromBtf<T extends Struct>(
    name: string,
    object: BpfObject,
    type: StructType<T> | string,
  ): Table<T> {
    const typeName = typeof type === "string" ? type : type.NAME;
    return new Table(call(() => host.Table.fromBtf(name, object.handle, typeName)));
  }

  push(row: T): void {
    this.begin();
    this.rows.pushStruct(row);
    this.pushed();
  }

  /** A row with more bytes than the struct: its flexible array. */
  pushBytes(row: Uint8Array): void {
    this.begin();
    this.rows.pushBytes(row);
    this.pushed();
  }

  /** All records of a batch as they are. */
  emitBatch(batch: Batch): void {
    flushRows();
    call(() => this.handle.emit(batch.bytes));
  }

  /** A hint for a field, or with an empty name for the table: docs/output.md. */
  addHint(field: string, key: string, value: string): void {
    call(() => this.handle.addHints(field, [{ key, value }]));
  }
}

/** A declared field: its type, how many values it has, and hints. */
export class Field<T> {
  private constructor(
    private readonly declared: HostField,
    /** Bytes of a value, for those that know it beforehand. */
    readonly size: (value: T) => number,
    readonly write: (view: DataView, at: number, value: T) => void,
  ) {}

  /** As the host wants it. */
  declaration(name: string): HostField {
    return { ...this.declared, name };
  }

  /** Rows may leave it out. */
  optional(): Field<T | undefined> {
    const { size, write } = this;
    return new Field<T | undefined>(
      { ...this.declared, cardinality: "optional" },
      (value) => (value === undefined ? 1 : 1 + size(value)),
      (view, at, value) => {
        view.setUint8(at, value === undefined ? 0 : 1);
        if (value !== undefined) write(view, at + 1, value);
      },
    );
  }

  /** Rows have any number of values. */
  repeated(): Field<readonly T[]> {
    const { size, write } = this;
    return new Field<readonly T[]>(
      { ...this.declared, cardinality: "repeated" },
      (values) => values.reduce((sum, value) => sum + size(value), 4),
      (view, at, values) => {
        view.setUint32(at, values.length, true);
        let next = at + 4;
        for (const value of values) {
          write(view, next, value);
          next += size(value);
        }
      },
    );
  }

  /** Adds a hint: docs/output.md. */
  hint(key: string, value: string): Field<T> {
    const hints = [...this.declared.hints, { key, value }];
    return new Field({ ...this.declared, hints }, this.size, this.write);
  }

  private static scalar<T>(type: string, values: codec.Codec<T>): Field<T> {
    return new Field(declare(type), () => values.SIZE, values.write);
  }

  static readonly bool = Field.scalar("boolean", codec.bool);
  static readonly u8 = Field.scalar("u8", codec.u8);
  static readonly u16 = Field.scalar("u16", codec.u16);
  static readonly u32 = Field.scalar("u32", codec.u32);
  static readonly u64 = Field.scalar("u64", codec.u64);
  static readonly i8 = Field.scalar("s8", codec.i8);
  static readonly i16 = Field.scalar("s16", codec.i16);
  static readonly i32 = Field.scalar("s32", codec.i32);
  static readonly i64 = Field.scalar("s64", codec.i64);
  static readonly f32 = Field.scalar("f32", codec.f32);
  static readonly f64 = Field.scalar("f64", codec.f64);
  static readonly text = new Field<string>(
    declare("text"),
    (value) => 4 + encodeText(value).length,
    (view, at, value) => putCounted(view, at, encodeText(value)),
  );
  static readonly bytes = new Field<Uint8Array>(
    declare("bytes"),
    (value) => 4 + value.length,
    putCounted,
  );
}

function declare(type: string): HostField {
  return { name: "", type, cardinality: "one", hints: [] };
}

function putCounted(view: DataView, at: number, bytes: Uint8Array): void {
  view.setUint32(at, bytes.length, true);
  codec.bytesAt(view, at + 4, bytes.length).set(bytes);
}

/** Fields by their names, in order. */
export type Fields = Record<string, Field<any>>;

/** A row of such fields. */
export type Row<F extends Fields> = {
  [N in keyof F]: F[N] extends Field<infer T> ? T : never;
};

/** Rows of declared fields. */
export class FieldTable<F extends Fields> extends AnyTable {
  constructor(
    name: string,
    private readonly fields: F,
  ) {
    const declared = Object.entries(fields).map(([field, type]) => type.declaration(field));
    super(call(() => host.Table.fromFields(name, declared)));
  }

  /** A value for each field. */
  push(row: Row<F>): void {
    const fields = Object.entries(this.fields);
    const sizes = fields.map(([name, field]) => this.sizeOf(name, field, row[name]));
    const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
    const view = codec.viewOf(bytes);
    let at = 0;
    fields.forEach(([name, field], index) => {
      field.write(view, at, row[name]);
      at += sizes[index]!;
    });
    this.begin();
    this.rows.pushBytes(bytes);
    this.pushed();
  }

  /** A hint for the table: docs/output.md. */
  addHint(key: string, value: string): void {
    call(() => this.handle.addHints("", [{ key, value }]));
  }

  private sizeOf(name: string, field: Field<any>, value: unknown): number {
    try {
      return field.size(value);
    } catch (cause) {
      throw new BpfError("invalid-argument", `write a row: field "${name}": ${cause}`);
    }
  }
}
