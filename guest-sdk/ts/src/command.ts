// The world `command`: the guest drives. `ecli build` wires it to the function `main`.

import "./chance.js";
import { printError } from "./console.js";
import { asBpfError } from "./error.js";
import { exit } from "./lifecycle.js";
import { flush } from "./output.js";

/** What a guest exports as `main`: a number is the exit code. */
export type Main = () => number | void;

/** What the world exports. */
export function wrap(main: Main): { run(): void } {
  return {
    run() {
      let code = 0;
      try {
        code = main() ?? 0;
        flush();
      } catch (thrown) {
        code = fail(thrown);
      }
      if (code !== 0) exit(code);
    },
  };
}

/** Says what failed; quietly when nobody reads any more what the guest writes. */
function fail(thrown: unknown): number {
  const error = asBpfError(thrown);
  if (error.code === "closed") return 0;
  const stack = thrown instanceof Error && error !== thrown ? `\n${thrown.stack ?? ""}` : "";
  try {
    printError(`error: ${error.message}${stack}`.trimEnd() + "\n");
  } catch {
    // Nobody hears of it.
  }
  return 1;
}
