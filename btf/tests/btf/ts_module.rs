//! Generated TypeScript: its types checked by the compiler, then run with the SDK's own classes
//! against what a C compiler does.
//!
//! `eval "$(scripts/ts-toolchain)"` says where the compiler and the bundler are.

use std::path::{Path, PathBuf};

use eunomia_btf::ts_types::{HEAD, Options, generate};

use crate::objects::{DUMP, LAYOUTS_BTF, run, source};
use crate::other_languages::compiler;

#[test]
fn generated_classes_agree_with_a_c_compiler_byte_for_byte() {
    let node = || compiler("ECLI_NODE", "node");
    let packages = std::env::var_os("ECLI_NODE_PACKAGES").map(PathBuf::from);
    let packages = packages.expect("ECLI_NODE_PACKAGES: eval \"$(scripts/ts-toolchain)\" sets it");
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk/ts");
    let generated = generate(&LAYOUTS_BTF, &Options::new("layouts")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("bpf.ts", &format!("{HEAD}{generated}"));
    write("dump", &DUMP.text);
    let checks = source("support/check_layouts.ts");
    write(
        "check_layouts.ts",
        &std::fs::read_to_string(checks).unwrap(),
    );
    run(node()
        .arg(source("support/bundle.mjs"))
        .arg(sdk.canonicalize().unwrap())
        .arg(packages)
        .current_dir(folder.path()));
    let printed = run(node().arg(folder.path().join("check.mjs")));
    assert_eq!(printed, "checked\n");
}
