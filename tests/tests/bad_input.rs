//! What a user gets for bad input: an error that names the thing and says what to do next, exit
//! code 1 or 2, no backtrace, nothing left attached.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use eunomia_tests::{build, ecli, is_root, repository};

/// Run a command, which must fail with `code`, say all of `words`, and not look like a crash.
#[track_caller]
fn fails(command: &mut Command, code: i32, words: &[&str]) -> Result<()> {
    let shown = format!("{command:?}");
    let Output { status, stderr, .. } = command.env("RUST_BACKTRACE", "1").output()?;
    let said = String::from_utf8_lossy(&stderr).into_owned();
    ensure!(
        status.code() == Some(code),
        "{shown}: {status}, not {code}: {said}"
    );
    for word in words {
        ensure!(
            said.contains(word),
            "{shown}: it does not say `{word}`:\n{said}"
        );
    }
    for crash in [
        "panicked",
        "stack backtrace",
        "Stack backtrace",
        "RUST_BACKTRACE",
    ] {
        ensure!(
            !said.contains(crash),
            "{shown}: it looks like a crash:\n{said}"
        );
    }
    Ok(())
}

/// A folder with the component of the guest that loads and attaches what it is given.
struct Bench {
    folder: tempfile::TempDir,
    component: PathBuf,
}

impl Bench {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let component = folder.path().join("guest.wasm");
        std::fs::write(&component, build("tests/guests/hostile")?.component)?;
        Ok(Self { folder, component })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compile BPF C that needs no headers.
    fn object(&self, name: &str, programs: &str) -> Result<PathBuf> {
        let source = self.path(&format!("{name}.bpf.c"));
        let head = "#define SEC(name) __attribute__((section(name), used))\n\
                    char LICENSE[] SEC(\"license\") = \"GPL\";\n";
        std::fs::write(&source, format!("{head}{programs}"))?;
        let object = self.path(&format!("{name}.bpf.o"));
        let status = Command::new("clang")
            .args(["-target", "bpf", "-g", "-O2", "-c"])
            .arg(&source)
            .arg("-o")
            .arg(&object)
            .status()
            .context("run clang")?;
        ensure!(status.success(), "compile {}", source.display());
        Ok(object)
    }

    /// `ecli run [OPTIONS] guest.wasm CASE` with that object.
    fn run(&self, object: &Path, options: &[&str], case: &str) -> Result<Command> {
        let mut command = ecli()?;
        command
            .arg("run")
            .args(options)
            .arg(format!("--object=tool={}", object.display()))
            .arg(&self.component)
            .arg(case);
        Ok(command)
    }
}

#[test]
fn unknown_options_and_images_are_named() -> Result<()> {
    fails(
        ecli()?.args(["run", "--no-such-option", "execsnoop"]),
        2,
        &["--no-such-option"],
    )?;
    fails(ecli()?.arg("no-such-verb"), 2, &["no-such-verb"])?;
    fails(
        ecli()?.args(["run", "no-such-image"]),
        1,
        &["no-such-image"],
    )?;
    fails(
        ecli()?.args(["inspect", "no-such-image"]),
        1,
        &["no-such-image"],
    )?;
    fails(
        ecli()?.args(["run", "--attach", "x=nonsense", "execsnoop"]),
        2,
        &["nonsense"],
    )
}

#[test]
fn what_is_not_a_component_is_told_apart() -> Result<()> {
    let bench = Bench::new()?;
    let whole = std::fs::read(&bench.component)?;
    let truncated = &whole[..whole.len() / 2];
    let core = b"\0asm\x01\0\0\0";
    // A component without imports or exports.
    let idle = b"\0asm\x0d\0\x01\0";
    let mut flipped = whole.clone();
    // In the middle of the code, where only validation finds it.
    let middle = flipped.len() / 2;
    flipped[middle..middle + 64].fill(0xff);
    for (name, bytes, word) in [
        ("empty.wasm", &b""[..], "empty"),
        ("text.wasm", b"hello, world", "not WebAssembly"),
        ("truncated.wasm", truncated, "end-of-file"),
        ("core.wasm", core, "core module without `_start`"),
        ("idle.wasm", idle, "exports neither"),
        ("flipped.wasm", &flipped, "flipped"),
    ] {
        let path = bench.path(name);
        std::fs::write(&path, bytes)?;
        fails(ecli()?.arg("run").arg(&path), 1, &[word]).context(name)?;
    }
    Ok(())
}

#[test]
fn a_project_that_does_not_build_says_why() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let example = repository().join("examples/execsnoop");
    fails(ecli()?.arg("build").arg(folder.path()), 1, &["ecli.toml"])?;
    fails(
        ecli()?
            .arg("build")
            .arg(&example)
            .env("ECLI_CLANG", "/no/such/clang"),
        1,
        &["/no/such/clang", "apt"],
    )?;
    std::fs::write(folder.path().join("ecli.toml"), "name = \"broken\"\n")?;
    std::fs::write(
        folder.path().join("broken.bpf.c"),
        "int f(void) { return undeclared; }\n",
    )?;
    fails(
        ecli()?.arg("build").arg(folder.path()),
        1,
        &["broken.bpf.c", "undeclared"],
    )?;
    std::fs::write(folder.path().join("ecli.toml"), "nme = \"broken\"\n")?;
    fails(
        ecli()?.arg("build").arg(folder.path()),
        1,
        &["nme", "ecli.toml"],
    )
}

/// Load (and attach) an object; the guest prints the error that it gets and leaves with code 3.
#[track_caller]
fn refused(command: &mut Command, code: &str, words: &[&str]) -> Result<()> {
    let shown = format!("{command:?}");
    let output = command.output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(3),
        "{shown}: {}: {printed}{said}",
        output.status
    );
    ensure!(
        printed.contains(&format!("ErrorCode::{code} ")),
        "{shown}: not {code}:\n{printed}"
    );
    for word in words {
        ensure!(
            printed.contains(word),
            "{shown}: it does not say `{word}`:\n{printed}"
        );
    }
    Ok(())
}

#[test]
fn the_guest_is_told_why_the_kernel_refuses() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let bench = Bench::new()?;
    let verifier = bench.object(
        "verifier",
        "SEC(\"raw_tp/sys_enter\") int wild(void *ctx) { return *(volatile int *)8; }",
    )?;
    let words = ["wild", "invalid mem access"];
    refused(&mut bench.run(&verifier, &[], "load")?, "Rejected", &words)?;

    let missing = bench.object(
        "missing",
        "SEC(\"tracepoint/sched/no_such_event\") int on_event(void *ctx) { return 0; }",
    )?;
    let words = ["on_event", "no_such_event"];
    refused(&mut bench.run(&missing, &[], "load")?, "NotFound", &words)?;

    let uprobe = bench.object(
        "uprobe",
        "SEC(\"uprobe\") int on_call(void *ctx) { return 0; }",
    )?;
    let target = "--attach=on_call=uprobe:/bin/true:no_such_function";
    let words = ["on_call", "no_such_function"];
    refused(
        &mut bench.run(&uprobe, &[target], "load")?,
        "NotFound",
        &words,
    )?;
    let target = "--attach=on_call=uprobe:/no/such/binary:main";
    refused(
        &mut bench.run(&uprobe, &[target], "load")?,
        "NotFound",
        &["/no/such/binary"],
    )?;

    let fine = bench.object(
        "fine",
        "SEC(\"raw_tp/sys_enter\") int on_call(void *ctx) { return 0; }",
    )?;
    let option = "--attach=no_such_program=raw_tracepoint:sys_exit";
    refused(
        &mut bench.run(&fine, &[option], "load")?,
        "NotFound",
        &["no_such_program", "on_call"],
    )?;
    let option = "--global=no_such_global=1";
    refused(
        &mut bench.run(&fine, &[option], "load")?,
        "NotFound",
        &["no_such_global"],
    )?;

    let garbage = bench.path("text.bpf.o");
    std::fs::write(&garbage, "this is no ELF file")?;
    refused(
        &mut bench.run(&garbage, &[], "load")?,
        "InvalidArgument",
        &["tool"],
    )
}

#[test]
fn without_capabilities_the_error_says_which_are_needed() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let bench = Bench::new()?;
    let fine = bench.object(
        "fine",
        "SEC(\"raw_tp/sys_enter\") int on_call(void *ctx) { return 0; }",
    )?;
    let ecli = bench.run(&fine, &[], "load")?;
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set=-all", "--inh-caps=-all"])
        .arg(ecli.get_program());
    command.args(ecli.get_args());
    for (name, value) in ecli.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    refused(&mut command, "PermissionDenied", &["CAP_BPF", "root"])
}
