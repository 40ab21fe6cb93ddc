// Describes the types of its object.

import { BpfObject, type TypeDescription } from "eunomia-bpf";

import { option, result } from "../case.ts";

export function main(): void {
  const object = BpfObject.open();
  const types = object.btf();
  console.log(`types: ${types.count() > 10}`);
  const everything = types.find("struct everything")!;
  console.log(`without a kind: ${types.find("everything") === everything}`);
  console.log(`of another kind: ${option(types.find("union everything"))}`);
  if (types.describe(0).kind.tag === "void") console.log("void: TypeKind::Void");
  console.log(`beyond the last: ${result(() => types.describe(types.count()))}`);

  const closure = types.closure(everything);
  console.log(`the type itself first: ${closure[0]?.id === everything}`);
  const names = new Map(closure.map((it) => [it.id, it.name || "(anonymous)"]));
  for (const described of closure) show(described, names);
  const { name, size } = types.describe(everything);
  console.log(`the same alone: ${name} ${size}`);
  for (const name of ["enum color", "struct color", "on_exec"]) {
    const id = types.find(name);
    if (id === undefined) console.log(`no ${name}`);
    else show(types.describe(id), names);
  }
  object.load();
  console.log(`after load: ${object.btf().count() === types.count()}`);
}

/** Names in place of numbers, which differ between compilers. */
function show(described: TypeDescription, names: Map<number, string>): void {
  const to = (id: number) => names.get(id) ?? "(not in it)";
  const { kind } = described;
  console.log(`${described.name || "(anonymous)"}, ${described.size} bytes: ${shown()}`);

  function shown(): string {
    switch (kind.tag) {
      case "int": {
        const { encoding, bits } = kind.val;
        return `int of ${bits} bits, signed ${encoding.signed}, boolean ${encoding.boolean}`;
      }
      case "struct":
      case "union":
        return [
          "struct or union",
          ...kind.val.map(({ name, type, bitOffset, bitWidth }) => {
            const width = bitWidth > 0 ? `, ${bitWidth} bits` : "";
            return `  ${name} at bit ${bitOffset}: ${to(type)}${width}`;
          }),
        ].join("\n");
      case "array":
        return `array of ${kind.val.length} ${to(kind.val.element)}`;
      case "enumeration": {
        const constants = kind.val.enumerators.map(({ name, value }) => ` ${name}=${value}`);
        return `enum, signed ${kind.val.signed}:${constants.join("")}`;
      }
      case "pointer":
        return `pointer to ${to(kind.val)}`;
      case "typedef":
        return `typedef of ${to(kind.val)}`;
      case "volatile":
        return `volatile ${to(kind.val)}`;
      case "const":
        return `const ${to(kind.val)}`;
      case "function":
        return `function, linkage ${kind.val.linkage}`;
      default:
        return kind.tag;
    }
  }
}
