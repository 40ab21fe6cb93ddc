// Makes a component of a guest in TypeScript or JavaScript: checks its types, bundles it with the SDK
// into one file, and puts that with the engine into a component. Called by `ecli build`:
//
//   node build.mjs SETTING.json
//
// The setting names, as absolute paths: `folder` of the project, `entry` of the guest, `bindings` (or
// null), `sdk`, `wit`, `packages` with those of package.json in
// its node_modules, `work` for what is in between,
// `component` and `inputs` for what is made: the component, and the files that it was made of.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative, resolve } from "node:path";

import { readEngine } from "./engine.mjs";
import { renameInterfaces } from "./rename.mjs";

const setting = JSON.parse(readFileSync(process.argv[2], "utf8"));
const require = createRequire(join(setting.packages, "package.json"));
const esbuild = require("esbuild");

/** By what a guest exports, how that becomes the export of a world: with which part of the SDK. */
const WORLDS = {
  main: { world: "command", file: "command.ts", text: "export const run = wrap(guest.main);" },
  plugin: { world: "plugin", file: "plugin.ts", text: "export const handler = wrap(guest.plugin);" },
};

/**
 * The engine runs the guest's top level once while the component is made, with WASI of its own, and
 * cannot link interfaces beside it that share WASI's types, as the contract's do. So these are called
 * otherwise until the component is there, and have another version than the engine's: hosts take
 * versions that are compatible for one.
 */
const [WASI, OTHERWISE] = ["wasi:", "wasy:"];
const [VERSION, OTHER_VERSION] = ["0.2.12", "0.2.11"];

function otherwise(text) {
  return text.replaceAll(WASI, OTHERWISE).replaceAll(VERSION, OTHER_VERSION);
}

/** What the SDK calls of WASI: a guest should not ask for more. */
const USED = [
  "cli/environment",
  "cli/stderr",
  "cli/stdin",
  "cli/stdout",
  "clocks/monotonic-clock",
  "clocks/wall-clock",
  "io/poll",
  "io/streams",
  "random/insecure",
];

/** For errors that were said already. */
class Said extends Error {}

const alias = { "eunomia-bpf": join(setting.sdk, "src/index.ts") };
if (setting.bindings !== null) alias.bpf = setting.bindings;

try {
  const world = await chooseWorld();
  const entry = writeEntry(world);
  checkTypes(entry);
  const { text, inputs } = await bundle(entry);
  await componentize(text, world);
  writeFileSync(setting.inputs, JSON.stringify(inputs.filter((input) => input !== entry)));
} catch (error) {
  if (!(error instanceof Said)) console.error(String(error?.message ?? error));
  process.exitCode = 1;
}

/** By what the guest exports. */
async function chooseWorld() {
  const { outputs } = await bundleWith(setting.entry);
  const exported = Object.values(outputs).flatMap((output) => output.exports);
  const found = Object.keys(WORLDS).filter((name) => exported.includes(name));
  if (found.length === 1) return WORLDS[found[0]];
  throw new Error(
    `${relative(setting.folder, setting.entry)}: it must export either a function \`main\`, for ` +
      `a command, or an object \`plugin\`; it exports ${exported.join(", ") || "nothing"}`,
  );
}

function writeEntry({ file, text }) {
  const entry = join(setting.work, "entry.ts");
  const lines = [
    `import { wrap } from ${JSON.stringify(join(setting.sdk, "src", file))};`,
    `import * as guest from ${JSON.stringify(setting.entry)};`,
    text,
    "",
  ];
  writeFileSync(entry, lines.join("\n"));
  return entry;
}

/** The compiler prints what is wrong. */
function checkTypes(entry) {
  const paths = Object.entries(alias).map(([name, path]) => [name, [path]]);
  const base = JSON.parse(readFileSync(join(setting.sdk, "tsconfig.json"), "utf8"));
  const config = {
    compilerOptions: {
      ...base.compilerOptions,
      allowImportingTsExtensions: true,
      paths: Object.fromEntries(paths),
    },
    files: [join(setting.sdk, "src/abi.d.ts"), entry],
  };
  const file = join(setting.work, "tsconfig.json");
  writeFileSync(file, JSON.stringify(config, null, 2));
  const tsc = require.resolve("typescript/package.json").replace(/package\.json$/, "bin/tsc");
  const pretty = String(process.stderr.isTTY === true);
  const { status, error } = spawnSync(
    process.execPath,
    [tsc, "--project", file, "--pretty", pretty],
    // Its words are no result of ours.
    { cwd: setting.folder, stdio: ["ignore", process.stderr, "inherit"] },
  );
  if (error) throw error;
  if (status !== 0) throw new Said();
}

/** One file, without the paths of this machine. */
async function bundle(entry) {
  const { outputFiles, inputs } = await bundleWith(entry);
  const names = new Set(Object.keys(inputs).map((name) => `// ${name}`));
  const lines = outputFiles[0].text.split("\n").filter((line) => !names.has(line));
  const absolute = Object.keys(inputs).map((name) => resolve(setting.folder, name));
  return { text: lines.join("\n"), inputs: absolute };
}

async function bundleWith(entry) {
  const { metafile, outputFiles } = await esbuild
    .build({
      entryPoints: [entry],
      absWorkingDir: setting.folder,
      bundle: true,
      format: "esm",
      target: "es2024",
      charset: "utf8",
      legalComments: "none",
      treeShaking: true,
      external: ["eunomia:*"],
      plugins: [{ name: "wasi", setup: resolveWasi }],
      alias,
      write: false,
      metafile: true,
      outdir: setting.work,
      logLevel: "error",
      tsconfigRaw: {},
    })
    .catch(() => {
      // It has printed what is wrong.
      throw new Said();
    });
  return { ...metafile, outputFiles };
}

function resolveWasi(build) {
  build.onResolve({ filter: /^wasi:/ }, ({ path }) => ({
    path: otherwise(path),
    external: true,
  }));
}

async function componentize(source, { world }) {
  const { componentize } = require("componentize-qjs");
  const { component } = await componentize({
    witPath: writeContract(),
    jsSource: source,
    world,
    runtimeBytes: readEngine(nativeFile()),
  });
  writeFileSync(setting.component, renameInterfaces(component, OTHERWISE, WASI));
}

/** The file with the native code of componentize-qjs for this machine. */
function nativeFile() {
  const file = Object.keys(require.cache).find((name) => name.endsWith(".node"));
  if (file === undefined) throw new Error("componentize-qjs was not loaded from a .node file");
  return file;
}

function onlyUsed(_, version) {
  return USED.map((name) => `import ${WASI}${name}${version};`).join("\n");
}

function writeContract() {
  const folder = join(setting.work, "wit");
  for (const part of [".", "deps"]) {
    mkdirSync(join(folder, part), { recursive: true });
    for (const name of readdirSync(join(setting.wit, part))) {
      if (!name.endsWith(".wit")) continue;
      let text = readFileSync(join(setting.wit, part, name), "utf8");
      if (part === ".") text = text.replaceAll(/include wasi:cli\/imports(@[\d.]+);/g, onlyUsed);
      writeFileSync(join(folder, part, name), otherwise(text));
    }
  }
  return folder;
}
