//! `ecli check` and `ecli run` agree, on the examples and on objects that are broken: what can run
//! here runs, and what cannot does not, for the reason that was told.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use eunomia_tests::{build, ecli, is_root, repository};

/// The examples that are images.
fn examples() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in repository().join("examples").read_dir()? {
        let entry = entry?;
        if entry.path().join("ecli.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What the example does not run without.
fn arguments(name: &str) -> &'static [&'static str] {
    match name {
        "xdp-filter" => &["lo"],
        _ => &[],
    }
}

#[test]
fn verdicts_of_the_examples_agree_with_what_then_happens() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    for name in examples()? {
        build(&format!("examples/{name}"))?;
        let checked = ecli()?.args(["check", &name]).output()?;
        let verdict = String::from_utf8_lossy(&checked.stdout).into_owned();
        let ran = ecli()?
            .args(["run", "--timeout", "1s", &name])
            .args(arguments(&name))
            .output()?;
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        println!("{name}: {verdict}");
        ensure!(
            checked.status.success() == ran.status.success(),
            "{name}: `ecli check` said:\n{verdict}\nand then `ecli run` said:\n{said}"
        );
        ensure!(
            ran.status.success() || said.contains("ecli check"),
            "{name} does not run, and this does not say why:\n{said}"
        );
    }
    Ok(())
}

#[test]
fn files_that_are_no_component_are_told_by_both() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tool.wasm");
    // The second begins as a component of this version does; the third is one that is empty.
    for (bytes, reason) in [
        (&b"text"[..], "it is not WebAssembly"),
        (b"\0asm\x0d\0\x01\0\xff", "it is damaged"),
        (b"\0asm\x0d\0\x01\0", "wasi:cli/run"),
    ] {
        std::fs::write(&file, bytes)?;
        let checked = ecli()?.arg("check").arg(&file).output()?;
        let verdict = String::from_utf8_lossy(&checked.stdout);
        let ran = ecli()?.arg("run").arg(&file).output()?;
        let said = String::from_utf8_lossy(&ran.stderr);
        ensure!(!checked.status.success() && !ran.status.success());
        ensure!(verdict.contains(reason), "no {reason:?} in: {verdict}");
        ensure!(said.contains(reason), "no {reason:?} in: {said}");
    }
    Ok(())
}

/// A folder of compiled objects, for machines without a compiler: that of scripts/vm.
const OBJECTS: &str = "ECLI_TEST_OBJECTS";

/// The product of `runtime/tests/bpf/NAME.bpf.c`, made in `folder`.
fn compiled(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let file = format!("{name}.bpf.o");
    if let Some(objects) = std::env::var_os(OBJECTS) {
        return Ok(std::fs::read(PathBuf::from(objects).join(file))?);
    }
    let project = folder.join(name);
    std::fs::create_dir_all(&project)?;
    std::fs::write(project.join("ecli.toml"), "")?;
    let source = format!("{name}.bpf.c");
    let sources = repository().join("runtime/tests/bpf");
    std::fs::copy(sources.join(&source), project.join(&source))?;
    let output = ecli()?
        .env("ECLI_TARGET_DIR", folder.join("target"))
        .args(["build", "--quiet", "--tag", "check-broken"])
        .arg(&project)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {said}");
    let product = folder.join("target/ecli").join(name).join(file);
    std::fs::read(&product).with_context(|| format!("read {}", product.display()))
}

/// What is done to an object that was compiled.
type Damage = fn(&mut Vec<u8>);

fn nothing(_: &mut Vec<u8>) {}

/// Objects, and what both commands say of those that no kernel runs; nothing of those that some do.
const CASES: &[(&str, &str, Damage, &str)] = &[
    (
        "symbol",
        "broken_symbol",
        nothing,
        "kprobe:ecli_no_such_function",
    ),
    (
        "tracepoint",
        "broken_tracepoint",
        nothing,
        "tracepoint:ecli:no_such_tracepoint",
    ),
    (
        "raw tracepoint",
        "broken_raw_tracepoint",
        nothing,
        "raw_tracepoint:ecli_no_such_tracepoint",
    ),
    (
        "relocation",
        "broken_relocation",
        nothing,
        "task_struct.no_such_field",
    ),
    ("helper", "broken_helper", nothing, "bpf_helper_9999"),
    (
        "helper of other programs",
        "broken_program_type",
        nothing,
        "bpf_override_return",
    ),
    (
        "LSM hook",
        "broken_security_hook",
        nothing,
        "lsm/ecli_no_such_hook",
    ),
    (
        "program of no struct_ops map",
        "broken_operation",
        nothing,
        "struct_ops",
    ),
    (
        "USDT probe",
        "broken_usdt",
        nothing,
        "libc.so.6 has no USDT probe `ecli:nothing`",
    ),
    (
        "pattern of functions",
        "broken_pattern",
        nothing,
        "uprobe_multi:libc.so.6:ecli_no_such_*",
    ),
    (
        "variable of the kernel",
        "broken_extern",
        nothing,
        "ecli_no_such_variable",
    ),
    (
        "helper that takes another license",
        "broken_license",
        nothing,
        "bpf_trace_printk",
    ),
    (
        "helper that sleeps",
        "broken_sleep",
        nothing,
        "bpf_copy_from_user",
    ),
    (
        "nothing says where",
        "broken_place",
        nothing,
        "--attach program=xdp:INTERFACE",
    ),
    ("type of map", "broken_map_type", nothing, "map type 4711"),
    ("memory", "broken_memory", nothing, "memory"),
    (
        "byte order",
        "fine_raw_tracepoint",
        |elf| elf[5] = 2,
        "bpfel",
    ),
    (
        "cut off",
        "fine_raw_tracepoint",
        |elf| elf.truncate(elf.len() / 2),
        "",
    ),
    (
        "headers cut off",
        "fine_raw_tracepoint",
        |elf| elf.truncate(40),
        "",
    ),
    (
        "without BTF",
        "broken_map_type",
        |elf| without_btf(elf),
        "BTF",
    ),
    (
        "of this machine's CPU",
        "fine_raw_tracepoint",
        |elf| elf[18..20].copy_from_slice(&[62, 0]),
        "BPF",
    ),
    ("variable of each CPU", "fine_extern", nothing, ""),
    ("LSM", "fine_lsm", nothing, ""),
    ("fentry", "fine_fentry", nothing, ""),
    ("kprobe", "fine_kprobe", nothing, ""),
    ("fine", "fine_raw_tracepoint", nothing, ""),
];

/// The section goes by another name then.
fn without_btf(elf: &mut [u8]) {
    let named: Vec<usize> = elf
        .windows(5)
        .enumerate()
        .filter_map(|(at, bytes)| matches!(bytes, b".BTF\0" | b".BTF.").then_some(at))
        .collect();
    for at in named {
        elf[at + 1] = b'X';
    }
}

#[test]
fn verdicts_of_broken_objects_agree_with_what_then_happens() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (mut refused, mut ran_well) = (0, 0);
    for (what, source, damage, reason) in CASES {
        let mut elf = compiled(folder.path(), source)?;
        damage(&mut elf);
        let file = folder.path().join("object.bpf.o");
        std::fs::write(&file, elf)?;
        let checked = ecli()?.arg("check").arg(&file).output()?;
        let ran = ecli()?
            .args(["run", "--timeout", "300ms"])
            .arg(&file)
            .output()?;
        let text = |output: &std::process::Output| {
            let all = [&output.stdout[..], &output.stderr[..]].concat();
            String::from_utf8_lossy(&all).into_owned()
        };
        let (verdict, said) = (text(&checked), text(&ran));
        println!("== {what}\n{verdict}\n{said}");
        ensure!(
            checked.status.success() == ran.status.success(),
            "{what}: `ecli check` said:\n{verdict}\nand then `ecli run` said:\n{said}"
        );
        let failed = !ran.status.success();
        ensure!(reason.is_empty() || failed, "{what} runs: {said}");
        for text in [&verdict, &said] {
            ensure!(text.contains(reason), "{what}: no {reason:?} in: {text}");
        }
        refused += usize::from(failed);
        ran_well += usize::from(!failed);
    }
    ensure!(
        refused >= 21 && ran_well >= 1,
        "{refused} refused, {ran_well} ran"
    );
    Ok(())
}
