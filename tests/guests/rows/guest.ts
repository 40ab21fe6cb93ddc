// Emits rows of structs and of declared fields.

import { Event, maps, objectName } from "bpf";
import { BpfObject, Field, FieldTable, Table, flush, reportLost } from "eunomia-bpf";

import { code } from "../case.ts";

/** Hints that a field may have. */
const HINTS_MAX = 64;
/** Fields that a table may have. */
const FIELDS_MAX = 256;

export function main(): void {
  const object = BpfObject.open(objectName).load();
  const events = Table.fromBtf("events", object, Event);
  events.addHint("comm", "width", "16");
  events.addHint("place.y", "hidden", "true");
  events.addHint("", "title", "Events");
  const nothing = code(() => events.addHint("nothing", "width", "1"));
  console.log(`a hint for no field: ${nothing}`);

  const ring = object.ringBuffer(maps.events);
  object.program("emit").testRun();
  const batch = ring.tryNext();
  if (batch !== undefined) events.emitBatch(batch);
  const longer = new Uint8Array(Event.SIZE + 8);
  longer[0] = 3;
  events.pushBytes(longer);
  events.flush();
  const late = code(() => events.addHint("comm", "width", "8"));
  console.log(`a late hint: ${late}`);
  events.endOfInterval();

  fields();
  limits();
  reportLost(3);
  flush();
  order();
}

/** Rows of two tables that nobody flushes. */
function order(): void {
  const table = (name: string) => new FieldTable(name, { number: Field.u8 });
  const [one, two] = [table("one"), table("two")];
  [two, one, two].forEach((table, index) => table.push({ number: index + 1 }));
}

function fields(): void {
  const table = new FieldTable("fields", {
    flag: Field.bool,
    tiny: Field.u8,
    signed: Field.i64,
    unsigned: Field.u64,
    ratio: Field.f64,
    text: Field.text.hint("width", "12"),
    bytes: Field.bytes,
    maybe: Field.u32.optional(),
    many: Field.text.repeated(),
  });
  for (const number of [0, 1]) {
    table.push({
      flag: number === 1,
      tiny: number,
      signed: -(2n ** 63n),
      unsigned: 2n ** 64n - 1n,
      ratio: 0.5,
      text: '"quoted", \u{e4}',
      bytes: Uint8Array.of(0, 255),
      maybe: number === 1 ? 7 : undefined,
      many: number === 1 ? ["a", "", "c"] : [],
    });
  }
  table.endOfInterval();
}

/** As much as is allowed, and one more. */
function limits(): void {
  const numbered = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, number) => [`f${number}`, Field.u8]));
  const made = (name: string, fields: Record<string, Field<number>>) =>
    code(() => new FieldTable(name, fields));
  console.log(`256 fields: ${made("most_fields", numbered(FIELDS_MAX))}`);
  console.log(`257 fields: ${made("more_fields", numbered(FIELDS_MAX + 1))}`);
  const hinted = (count: number) => {
    let field = Field.u8;
    for (let number = 0; number < count; number++) field = field.hint(`h${number}`, "");
    return { f0: field };
  };
  console.log(`64 hints: ${made("most_hints", hinted(HINTS_MAX))}`);
  console.log(`65 hints: ${made("more_hints", hinted(HINTS_MAX + 1))}`);
  const long = (bytes: number) => ({ f0: Field.u8.hint("k".repeat(bytes), "v".repeat(bytes)) });
  console.log(`a hint of 256 bytes: ${made("long_hint", long(256))}`);
  console.log(`of 257: ${made("longer_hint", long(257))}`);
}
