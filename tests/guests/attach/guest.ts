// Attaches programs; the first argument says how.

import { globals, maps, objectName } from "bpf";
import { BpfError, BpfObject, type Link, type Program, args } from "eunomia-bpf";
import { show as list, target } from "eunomia-bpf";

import { code, codeOf } from "../case.ts";

const FORK = target.tracepoint("sched", "sched_process_fork");

export function main(): void {
  switch (args()[0]) {
    case "all":
      return all();
    case "given":
      return given();
    default:
      return oneByOne();
  }
}

/** Every program whose section, or the operator, says where. */
function all(): void {
  const object = BpfObject.open(objectName);
  object.program("on_call").setAutoattach(false);
  try {
    object.load();
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    console.log(`load: ${codeOf(error)}: ${error.message}`);
    return;
  }
  const links = object.attach().sort((a, b) => (a.info().name < b.info().name ? -1 : 1));
  links.forEach(show);
  if (links.some((link) => link.info().targets.length > 1)) {
    console.log(`again: ${code(() => object.program("on_exec").attach())}`);
  }
}

/** The guest's own target, unless the operator gave one. */
function given(): void {
  const program = BpfObject.open(objectName).load().program("anywhere");
  const link = program.attach(FORK);
  show(link);
  link.detach();
  console.log(`again: ${code(() => program.attach(FORK))}`);
}

function oneByOne(): void {
  const object = BpfObject.open(objectName);
  console.log(`left out: ${!object.program("left_out").info().autoload}`);
  object.load();
  const leftOut = code(() => object.program("left_out").attach());
  console.log(`attach what was left out: ${leftOut}`);
  const anywhere = object.program("anywhere");
  console.log(`nowhere: ${code(() => anywhere.attach())}`);
  const raw = target.rawTracepoint("sys_enter");
  console.log(`of another kind: ${code(() => anywhere.attach(raw))}`);

  counted(object);
  for (const place of [
    target.tracepoint("sched", "sched_process_fork", { cookie: 7n }),
    target.text("tracepoint:sched:sched_process_exit"),
  ]) {
    const link = anywhere.attach(place);
    show(link);
    link.close();
  }
  const onCall = object.program("on_call");
  const first = onCall.attach(target.rawTracepoint("sys_enter"));
  const second = onCall.attach();
  console.log(`twice: ${first.info().ids[0] !== second.info().ids[0]}`);
  replaced(object.program("pass"), object.program("pass_too"));

  const jumps = object.map(maps.jumps);
  onCall.storeIn(jumps, 1);
  console.log(`stored; beyond the end: ${code(() => onCall.storeIn(jumps, 2))}`);
  onCall.attach().keep();
  console.log("kept");
}

/** A link holds the program; closing or detaching it ends that. */
function counted(object: BpfObject): void {
  const program = object.program("on_call");
  const link = program.attach();
  show(link);
  console.log(`while attached: ${isCalled(object)}`);
  link.detach();
  console.log(`detached: ${isCalled(object)}`);
  const again = program.attach();
  console.log(`attached again: ${isCalled(object)}`);
  again.close();
  console.log(`dropped: ${isCalled(object)}`);
  const kept = program.attach();
  kept.keep();
  kept.close();
  console.log(`kept: ${isCalled(object)}`);
}

/** Whether system calls of the host are counted: running a program is one. */
function isCalled(object: BpfObject): boolean {
  object.program("choose").testRun();
  const before = object.get(globals.calls);
  object.program("choose").testRun();
  return object.get(globals.calls) > before;
}

/** One program takes the place of another without a gap. */
function replaced(pass: Program, passToo: Program): void {
  const place = target.xdp("lo", "generic");
  const link = pass.attach(place);
  show(link);
  console.log(`occupied: ${code(() => passToo.attach(place))}`);
  passToo.replaceIn(link);
  show(link);
  link.detach();
  console.log(`free again: ${passToo.attach(place).info().name}`);
}

function show(link: Link): void {
  const { name, linkType, targets, ids } = link.info();
  const listed = ids.length > 0;
  console.log(`${name}: type ${linkType} at ${list(targets)}, listed ${listed}`);
}
