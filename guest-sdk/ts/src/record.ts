// Plain data with a fixed layout, shared with a BPF object; little-endian.

import { BpfError } from "./error.js";
import { cText, encodeText } from "./text.js";

/** How values of a type lie in bytes. Generated structs are codecs of themselves. */
export interface Codec<T> {
  /** Bytes of a value. */
  readonly SIZE: number;
  read(view: DataView, at: number): T;
  write(view: DataView, at: number, value: T): void;
}

/** What belongs to no member of a generated struct. */
type Values<T> = Partial<Omit<T, keyof Struct>>;

/** A struct or union of the BPF object: a view of bytes that belong to something else. */
export abstract class Struct {
  constructor(
    readonly _view: DataView,
    public _at: number,
  ) {}

  /** A struct of its own with the same value. */
  copy(): this {
    const type = this.constructor as unknown as StructType<this>;
    const copy = new type(zeros(type.SIZE), 0);
    type.write(copy._view, 0, this);
    return copy;
  }

  /** The bytes, borrowed. */
  bytes(): Uint8Array {
    return bytesAt(this._view, this._at, (this.constructor as unknown as StructType<this>).SIZE);
  }

  /** `Pair { left: 1, right: 2 }` */
  toString(): string {
    const type = this.constructor as unknown as StructType<this>;
    const members = type.MEMBERS.map((name) => `${name}: ${show(this[name as keyof this])}`);
    return `${type.name} { ${members.join(", ")} }`;
  }
}

/** The class of a generated struct. */
export interface StructType<T extends Struct> extends Codec<T> {
  new (view: DataView, at: number): T;
  readonly name: string;
  /** Its name in the object's BTF; empty when it has none. */
  readonly NAME: string;
  /** Its members. */
  readonly MEMBERS: readonly string[];
}

/** A new struct: zeros but for the values that are given. For generated code. */
export function make<T extends Struct>(type: StructType<T>, values: Values<T>): T {
  return Object.assign(new type(zeros(type.SIZE), 0), values);
}

export type { Values };

function zeros(size: number): DataView {
  return new DataView(new ArrayBuffer(size));
}

/** Bytes of a view, borrowed. For generated code. */
export function bytesAt(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, size);
}

/** Characters of ASCII. */
const ASCII = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code));
/** Text that is longer is faster with the engine's own functions. */
const SHORT_TEXT = 32;

/** Text in an array of bytes, up to the first NUL. For generated code. */
export function textAt(view: DataView, at: number, size: number): string {
  let text = "";
  const end = at + Math.min(size, SHORT_TEXT);
  for (let next = at; next < end; next++) {
    const byte = view.getUint8(next);
    if (byte === 0) return text;
    if (byte >= 0x80) return cText(bytesAt(view, at, size));
    text += ASCII[byte];
  }
  return size <= SHORT_TEXT ? text : cText(bytesAt(view, at, size));
}

/** Writes bytes or text, and zeros behind it. For generated code. */
export function putBytes(
  view: DataView,
  at: number,
  size: number,
  value: Uint8Array | string,
): void {
  const bytes = typeof value === "string" ? encodeText(value) : value;
  if (bytes.length > size) {
    throw new BpfError(
      "invalid-argument",
      `write ${bytes.length} bytes into a member that has ${size}`,
    );
  }
  const place = bytesAt(view, at, size);
  place.set(bytes);
  place.fill(0, bytes.length);
}

/** Copies a struct. For generated code. */
export function putStruct(view: DataView, at: number, size: number, value: Struct): void {
  bytesAt(view, at, size).set(bytesAt(value._view, value._at, size));
}

/** A bit field. For generated code. */
export function bitsAt(view: DataView, at: number, offset: number, width: number): bigint {
  const first = offset >> 3;
  const last = (offset + width - 1) >> 3;
  let value = 0n;
  for (let byte = last; byte >= first; byte--) {
    value = (value << 8n) | BigInt(view.getUint8(at + byte));
  }
  return BigInt.asUintN(width, value >> BigInt(offset & 7));
}

/** Writes a bit field and nothing beside it. For generated code. */
export function putBits(
  view: DataView,
  at: number,
  offset: number,
  width: number,
  value: number | bigint | boolean,
): void {
  const bits = BigInt.asUintN(width, BigInt(value));
  for (let bit = 0; bit < width; bit++) {
    const place = at + ((offset + bit) >> 3);
    const mask = 1 << ((offset + bit) & 7);
    const before = view.getUint8(place) & ~mask;
    view.setUint8(place, (bits >> BigInt(bit)) & 1n ? before | mask : before);
  }
}

/** The value of `codec` in exactly these bytes. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, what: string): T {
  if (bytes.length !== codec.SIZE) {
    throw new BpfError(
      "invalid-argument",
      `read ${what}: it has ${bytes.length} bytes, the guest's type ${codec.SIZE}`,
    );
  }
  return codec.read(viewOf(bytes), 0);
}

/** The bytes of a value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const bytes = new Uint8Array(codec.SIZE);
  codec.write(viewOf(bytes), 0, value);
  return bytes;
}

/** A view of all of these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

type Reader<T> = (this: DataView, at: number, little: boolean) => T;
type Writer<T> = (this: DataView, at: number, value: T, little: boolean) => void;

function scalar<T>(SIZE: number, get: Reader<T>, set: Writer<T>): Codec<T> {
  return {
    SIZE,
    read: (view, at) => get.call(view, at, true),
    write: (view, at, value) => set.call(view, at, value, true),
  };
}

const proto = DataView.prototype;

export const u8 = scalar(1, proto.getUint8, proto.setUint8);
export const i8 = scalar(1, proto.getInt8, proto.setInt8);
export const u16 = scalar(2, proto.getUint16, proto.setUint16);
export const i16 = scalar(2, proto.getInt16, proto.setInt16);
export const u32 = scalar(4, proto.getUint32, proto.setUint32);
export const i32 = scalar(4, proto.getInt32, proto.setInt32);
export const u64 = scalar(8, proto.getBigUint64, proto.setBigUint64);
export const i64 = scalar(8, proto.getBigInt64, proto.setBigInt64);
export const f32 = scalar(4, proto.getFloat32, proto.setFloat32);
export const f64 = scalar(8, proto.getFloat64, proto.setFloat64);

function wide(high: Codec<bigint>): Codec<bigint> {
  return {
    SIZE: 16,
    read: (view, at) => (high.read(view, at + 8) << 64n) | u64.read(view, at),
    write: (view, at, value) => {
      u64.write(view, at, BigInt.asUintN(64, value));
      high.write(view, at + 8, value >> 64n);
    },
  };
}

export const u128 = wide(u64);
export const i128 = wide(i64);

/** C's `bool`. */
export const bool: Codec<boolean> = {
  SIZE: 1,
  read: (view, at) => view.getUint8(at) !== 0,
  write: (view, at, value) => view.setUint8(at, value ? 1 : 0),
};

/** No bytes at all: the key of a queue. */
export const nothing: Codec<void> = { SIZE: 0, read: () => undefined, write: () => undefined };

/** An array of bytes: a copy when it is read; text may be written too. */
export function bytes(size: number): Codec<Uint8Array> {
  return {
    SIZE: size,
    read: (view, at) => bytesAt(view, at, size).slice(),
    write: (view, at, value) => putBytes(view, at, size, value),
  };
}

/** An array of anything else. */
export function array<T>(item: Codec<T>, count: number): Codec<T[]> {
  return {
    SIZE: item.SIZE * count,
    read: (view, at) => Array.from({ length: count }, (_, i) => item.read(view, at + i * item.SIZE)),
    write: (view, at, values) => {
      if (values.length !== count) {
        throw new BpfError(
          "invalid-argument",
          `write ${values.length} values into an array of ${count}`,
        );
      }
      values.forEach((value, index) => item.write(view, at + index * item.SIZE, value));
    },
  };
}

/** A value as `console.log` shows it inside of something else. */
export function show(value: unknown, depth = 0): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Struct || typeof value !== "object" || value === null) return String(value);
  if (value instanceof Error) return String(value.stack ? `${value}\n${value.stack}` : value);
  if (depth > 4) return "...";
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return `[${Array.from(value as never, (item) => show(item, depth + 1)).join(", ")}]`;
  }
  if (value instanceof Map) return `Map ${show([...value], depth + 1)}`;
  if (value instanceof Set) return `Set ${show([...value], depth + 1)}`;
  const members = Object.entries(value).map(([name, item]) => `${name}: ${show(item, depth + 1)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}
