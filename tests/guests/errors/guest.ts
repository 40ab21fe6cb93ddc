// Has calls fail and prints what the errors say.

import { BpfError, BpfObject, flags, listObjects, show, target } from "eunomia-bpf";

import { codeOf } from "../case.ts";

export function main(): void {
  console.log(`objects ${show(listObjects().sort())}`);
  attempt("object", () => BpfObject.open("nothing"), ["nothing", "bad", "good"]);
  const bad = BpfObject.open("bad");
  attempt("verifier", () => bad.load(), ["bad", "wild", "R"]);

  const object = BpfObject.open("good");
  attempt("program", () => object.program("nothing"), ["nothing", "good", "anywhere"]);
  attempt("map", () => object.map("nothing"), ["nothing", "good", "single"]);
  attempt("global", () => object.getBytes("nothing"), ["nothing"]);
  object.load();
  const single = object.map("single");
  const [one, two] = [new Uint8Array(4).fill(1), new Uint8Array(4).fill(2)];
  attempt("key", () => single.lookup(Uint8Array.of(1)), ["single"]);
  single.update(one, one);
  attempt("full", () => single.update(two, two), ["single"]);
  attempt("there", () => single.update(one, two, flags.NO_EXIST), ["single"]);
  attempt("not there", () => single.update(two, two, flags.EXIST), ["single"]);
  const anywhere = object.program("anywhere");
  const nowhere = target.tracepoint("sched", "no_such_tracepoint");
  attempt("tracepoint", () => anywhere.attach(nowhere), ["anywhere", "no_such_tracepoint"]);
  attempt("text", () => anywhere.attach(target.text("tracepoint")), ["tracepoint"]);
  attempt("a name of 256 bytes", () => object.map("x".repeat(256)), ["xxx"]);
  attempt("of 257", () => object.map("x".repeat(257)), ["257", "256"]);
}

/** Prints what programs decide on, and whether people learn what they need. */
function attempt(what: string, call: () => unknown, words: string[]): void {
  try {
    call();
    console.log(`${what}: ok`);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    console.log(`${what}: ${codeOf(error)}, errno ${error.errno}`);
    for (const word of words) {
      if (error.message.includes(word)) continue;
      console.log(`  does not say \`${word}\`: ${error.message}`);
    }
  }
}
