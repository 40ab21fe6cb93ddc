// Renames the interfaces of a component: in what it imports and exports, and in what its modules call
// them. Data, and so the text of the guest, is left alone. Names keep their length, so that nothing
// moves.

import { COMPONENT, CORE_MODULE, EXPORT, IMPORT, sections } from "./wasm.mjs";

/** A copy of the component in which the interfaces whose names start with `from` start with `to`. */
export function renameInterfaces(component, from, to) {
  if (from.length !== to.length) throw new Error("names of interfaces must keep their length");
  const bytes = Buffer.from(component);
  inComponent(bytes, Buffer.from(from), Buffer.from(to));
  return bytes;
}

function inComponent(bytes, from, to) {
  for (const [id, content] of sections(bytes)) {
    if (id === COMPONENT) inComponent(content, from, to);
    else if (id === CORE_MODULE) inModule(content, from, to);
    else replace(content, from, to);
  }
}

function inModule(bytes, from, to) {
  for (const [id, content] of sections(bytes)) {
    if (id === IMPORT || id === EXPORT) replace(content, from, to);
  }
}

function replace(bytes, from, to) {
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + to.length)) {
    to.copy(bytes, at);
  }
}
