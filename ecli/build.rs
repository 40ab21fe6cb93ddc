//! Puts the guest SDKs, the contract and the templates into the program, so that `ecli init` and
//! `ecli build` work anywhere; and the library that it preloads into other builders.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders of the repository that are embedded, with the ends of the file names that are wanted.
const FOLDERS: &[(&str, &[&str])] = &[
    ("wit", &["wit"]),
    ("guest-sdk/c", &["c", "h", "hpp", "md"]),
    ("guest-sdk/go", &["go", "mod", "md", "s"]),
    ("guest-sdk/python", &["py", "md"]),
    ("guest-sdk/rust", &["rs", "toml", "md"]),
    ("guest-sdk/ts", &["ts", "mjs", "json", "md"]),
    ("guest-sdk/zig", &["zig", "md"]),
    // Nothing else lies there.
    ("ecli/templates", &[]),
];

fn main() {
    // Cargo says where this crate is; the repository is the folder around it.
    let own = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let repository = own.parent().expect("this crate lies in the repository");
    let mut text = String::from("pub(super) static FILES: &[(&str, &[u8])] = &[\n");
    for (folder, ends) in FOLDERS {
        println!(
            "cargo::rerun-if-changed={}",
            repository.join(folder).display()
        );
        let mut files = Vec::new();
        collect(&repository.join(folder), ends, &mut files);
        files.sort();
        for file in files {
            let name = file
                .strip_prefix(repository)
                .expect("it was found below it");
            let path = file.display();
            writeln!(
                text,
                "    ({:?}, include_bytes!({:?})),",
                name.display().to_string(),
                path.to_string()
            )
            .expect("a string can be written to");
        }
    }
    text.push_str("];\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("embedded.rs"), text).expect("write embedded.rs");
    compile_still(&own.join("src/project/still.c"), &out.join("still.so"));
}

/// See `src/project/still.rs`. Other systems than Linux build without it.
fn compile_still(source: &Path, library: &Path) {
    println!("cargo::rerun-if-changed={}", source.display());
    println!("cargo::rerun-if-env-changed=CC");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        std::fs::write(library, []).expect("write still.so");
        return;
    }
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-s", "-o"])
        .arg(library)
        .arg(source)
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "cc does not compile {}",
        source.display()
    );
}

fn collect(folder: &Path, ends: &[&str], files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if is_hidden || entry.file_name() == "target" {
            continue;
        }
        if path.is_dir() {
            collect(&path, ends, files);
        } else if ends.is_empty()
            || path
                .extension()
                .and_then(|end| end.to_str())
                .is_some_and(|end| ends.contains(&end))
        {
            files.push(path);
        }
    }
}
