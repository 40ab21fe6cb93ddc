// The types of a BPF object, for guests that learn layouts at run time.

import type { Btf as Handle, TypeDescription as HostType } from "eunomia:bpf/btf@0.1.0";

import { call } from "./error.js";
import { fromHost, word } from "./exact.js";

/** A member of a struct or union. */
export interface Member {
  /** Empty for an anonymous struct or union. */
  name: string;
  type: number;
  bitOffset: number;
  /** Width of a bit field; 0: not a bit field. */
  bitWidth: number;
}

/** What a type is: `BTF_KIND_*`. */
export type TypeKind =
  | { tag: "void" | "float" }
  | {
      tag: "int";
      val: {
        encoding: { signed: boolean; char: boolean; boolean: boolean };
        bitOffset: number;
        bits: number;
      };
    }
  | {
      tag: "pointer" | "typedef" | "volatile" | "const" | "restrict" | "type-tag" | "other";
      val: number;
    }
  | { tag: "array"; val: { element: number; length: number } }
  | { tag: "struct" | "union"; val: Member[] }
  | { tag: "enumeration"; val: { signed: boolean; enumerators: Enumerator[] } }
  | { tag: "forward"; val: "struct" | "union" }
  | { tag: "function" | "variable"; val: { type: number; linkage: number } }
  | {
      tag: "function-prototype";
      val: { returnType: number; parameters: { name: string; type: number }[] };
    }
  | { tag: "data-section"; val: { type: number; offset: number; size: number }[] }
  | { tag: "declaration-tag"; val: { type: number; component: number } };

/** A constant of an enum. */
export interface Enumerator {
  name: string;
  /** The 64 bits; negative ones of an unsigned enum are made positive. */
  value: bigint;
}

/** A type. */
export interface TypeDescription {
  id: number;
  /** Empty for anonymous types. */
  name: string;
  size: number;
  kind: TypeKind;
}

/** The types of one BPF object. */
export class Btf {
  constructor(private readonly handle: Handle) {}

  /** Ids run from 0 to one less. */
  count(): number {
    return this.handle.count();
  }

  describe(id: number): TypeDescription {
    return described(call(() => this.handle.describe(word(id, "a type id"))));
  }

  /** The id of the first type of this name; `struct event` says which kind is meant. */
  find(name: string): number | undefined {
    return this.handle.find(name) ?? undefined;
  }

  /** A type and every type that its layout needs, itself first. */
  closure(id: number): TypeDescription[] {
    return call(() => this.handle.closure(word(id, "a type id"))).map(described);
  }

  close(): void {
    this.handle[Symbol.dispose]();
  }
}

function described(type: HostType): TypeDescription {
  const kind = type.kind as TypeKind;
  if (kind.tag === "enumeration") {
    for (const enumerator of kind.val.enumerators) {
      const value = fromHost(Number(enumerator.value), `enumerator ${enumerator.name}`);
      enumerator.value = kind.val.signed ? value : BigInt.asUintN(64, value);
    }
  }
  return { ...type, kind };
}
