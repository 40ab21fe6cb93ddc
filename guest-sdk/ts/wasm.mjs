// As much of WebAssembly's binary format as is needed to walk over modules and components.

/** Magic number and version. */
export const HEAD = 8;
const MAGIC = Buffer.from("\0asm");

/** Numbers of sections. */
export const [CUSTOM, CORE_MODULE, IMPORT, COMPONENT, EXPORT, LAST] = [0, 1, 2, 4, 7, 13];

/** Reads from bytes, one thing after the other. */
export class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd() {
    return this.at >= this.bytes.length;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** An unsigned number of variable length. */
  number() {
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error("a number of more than 32 bits");
  }

  /** The next so many bytes, shared. */
  take(length) {
    const taken = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }

  name() {
    return this.take(this.number()).toString();
  }
}

/** The sections of a module or component: each its number, and its content, which is shared. */
export function* sections(bytes) {
  const reader = new Reader(bytes, HEAD);
  while (!reader.isAtEnd) yield [reader.byte(), reader.take(reader.number())];
}

/** An unsigned number of variable length. */
export function encodeNumber(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value = Math.floor(value / 128);
  } while (value > 0);
  return Buffer.from(bytes);
}

export function encodeName(name) {
  const bytes = Buffer.from(name);
  return Buffer.concat([encodeNumber(bytes.length), bytes]);
}

/** The modules that lie whole in the bytes of a program. */
export function* modulesIn(bytes) {
  for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    const length = moduleLength(bytes.subarray(at));
    if (length > HEAD) yield bytes.subarray(at, at + length);
  }
}

/** Up to where sections follow upon each other. */
function moduleLength(bytes) {
  const isModule = bytes.readUInt32LE(4) === 1;
  const reader = new Reader(bytes, HEAD);
  let end = HEAD;
  while (isModule && !reader.isAtEnd) {
    const id = reader.byte();
    const size = id <= LAST ? reader.number() : 0;
    // A custom section has a name at least; zeros are what lies between modules.
    if (size === 0 || size > bytes.length - reader.at) break;
    if (id === CUSTOM && !hasName(new Reader(reader.bytes, reader.at), size)) break;
    reader.take(size);
    end = reader.at;
  }
  return end;
}

function hasName(reader, size) {
  const length = reader.number();
  return length > 0 && length < size && /^[\x21-\x7e]+( |$)/.test(reader.take(length).toString());
}
