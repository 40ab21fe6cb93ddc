// Checks the types of check_layouts.ts and bundles it with the SDK, whose host it leaves out:
//
//   node bundle.mjs SDK PACKAGES
//
// in a folder that has bpf.ts, check_layouts.ts and dump; writes check.mjs.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [sdk, packages] = process.argv.slice(2);
const require = createRequire(join(packages, "package.json"));
const alias = { bpf: resolve("bpf.ts"), "eunomia-bpf": join(sdk, "src/index.ts") };

const { compilerOptions } = JSON.parse(readFileSync(join(sdk, "tsconfig.json"), "utf8"));
compilerOptions.paths = Object.fromEntries(Object.entries(alias).map(([name, at]) => [name, [at]]));
const files = [join(sdk, "src/abi.d.ts"), "check_layouts.ts"];
writeFileSync("tsconfig.json", JSON.stringify({ compilerOptions, files }));
const tsc = require.resolve("typescript/package.json").replace(/package\.json$/, "bin/tsc");
const { status } = spawnSync(process.execPath, [tsc], { stdio: ["ignore", 2, 2] });
if (status !== 0) process.exit(1);

const host = {
  name: "host",
  setup(build) {
    build.onResolve({ filter: /^(eunomia|wasi):/ }, ({ path }) => ({ path, namespace: "host" }));
    build.onLoad({ filter: /.*/, namespace: "host" }, () => ({ contents: "export default {};" }));
  },
};
const dump = JSON.stringify(readFileSync("dump", "utf8"));
await require("esbuild").build({
  entryPoints: ["check_layouts.ts"],
  bundle: true,
  format: "esm",
  target: "es2024",
  alias,
  plugins: [host],
  banner: { js: `const dump = ${dump}; const print = (text) => process.stdout.write(text);` },
  outfile: "check.mjs",
  logLevel: "error",
});
