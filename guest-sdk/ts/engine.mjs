// The engine: QuickJS as a module, as it comes in the package componentize-qjs, but without clock and
// random numbers of its own.
//
// It is initialized when a component is made, with hash tables in the order of a random number and a
// state of Math.random made of the time: the same guest would give another component each time, and
// all runs of it the same random numbers. So its clocks stand still (they tell their resolution), and
// what a guest sees of time and chance comes from the host at run time: src/chance.ts.

import { readFileSync } from "node:fs";

import { HEAD, IMPORT, Reader, encodeName, encodeNumber, modulesIn, sections } from "./wasm.mjs";

/** What the engine imports, and what it gets instead: of the same signature, but always the same. */
const REPLACED = [
  [/^wasi:clocks\/wall-clock@/, "now", (module) => [module, "resolution"]],
  [/^wasi:clocks\/monotonic-clock@/, "now", (module) => [module, "resolution"]],
  [/^wasi:random\/insecure-seed@/, "insecure-seed", () => ["wasi:cli/environment@0.2.0", "initial-cwd"]],
];

/** By which imports the engine is known. */
const INITIALIZED_BY = "local:init/module-loader";
const ASYNC = "[async-lower]";

/** The engine in the file of the package's native code. */
export function readEngine(file) {
  const engines = [];
  for (const module of modulesIn(readFileSync(file))) {
    const imports = importsOf(module);
    const names = imports.map(({ module, field }) => `${module} ${field}`);
    const isEngine = names.some((name) => name.startsWith(INITIALIZED_BY));
    const isAsync = names.some((name) => name.includes("async") || name.includes("[waitable"));
    if (isEngine && !isAsync) engines.push(module);
  }
  // The larger one is made for speed, the other for size.
  engines.sort((a, b) => b.length - a.length);
  if (engines.length === 0) throw new Error(`${file}: it holds no engine`);
  return withoutChance(engines[0]);
}

function withoutChance(engine) {
  const parts = [engine.subarray(0, HEAD)];
  for (const [id, content] of sections(engine)) {
    const bytes = id === IMPORT ? replaceImports(content) : content;
    parts.push(Buffer.from([id]), encodeNumber(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

function importsOf(module) {
  for (const [id, content] of sections(module)) if (id === IMPORT) return readImports(content);
  return [];
}

function replaceImports(content) {
  const imports = readImports(content);
  const parts = imports.map(({ module, field, kind }) => {
    const [, , replacement] = REPLACED.find(
      ([pattern, name]) => pattern.test(module) && name === field,
    ) ?? [, , undefined];
    const names = replacement ? replacement(module) : [module, field];
    return Buffer.concat([...names.map(encodeName), kind]);
  });
  return Buffer.concat([encodeNumber(imports.length), ...parts]);
}

function readImports(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.number() }, () => {
    const [module, field] = [reader.name(), reader.name()];
    const start = reader.at;
    skipType(reader);
    return { module, field, kind: content.subarray(start, reader.at) };
  });
}

/** Kinds of imports: function, table, memory, global, tag. */
function skipType(reader) {
  const kind = reader.byte();
  if (kind === 1) reader.byte();
  if (kind === 1 || kind === 2) {
    const hasMaximum = (reader.byte() & 1) === 1;
    reader.number();
    if (hasMaximum) reader.number();
  } else if (kind === 3) {
    reader.take(2);
  } else {
    if (kind === 4) reader.byte();
    reader.number();
  }
}
