//! `package.json` of eunomia-bpf: by itself, in an archive, by address, on standard input.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Ended, Running, is_root, wait_until};
use serde_json::{Value, json};

use super::forms::{package, tar};
use super::running::{file, object, printed, run, run_with, xdp_of_loopback};

/// The description that upstream's compiler makes of `execs.bpf.c`.
fn execs_meta() -> Value {
    json!({
        "bpf_skel": {
            "obj_name": "execs_bpf",
            "doc": { "version": "0.3", "brief": "trace execs", "details": "every exec" },
            "data_sections": [{ "name": ".rodata", "variables": [
                { "name": "filter_pid", "type": "__u32", "description": "only this process",
                  "cmdarg": { "default": 0, "long": "pid", "short": "p", "help": "Process" } },
                { "name": "quiet", "type": "bool", "cmdarg": { "default": null } },
                { "name": "loud", "type": "bool", "cmdarg": { "default": true } },
            ]}],
            "maps": [
                { "name": "events", "ident": "events", "mmaped": false },
                { "name": ".rodata", "ident": "rodata", "mmaped": true },
            ],
            "progs": [{ "name": "handle_exec", "attach": "tp/sched/sched_process_exec",
                        "link": true }],
        },
        "export_types": [{ "name": "event", "size": 40, "type_id": 4, "members": [
            { "name": "pid", "type": "u32" }, { "name": "comm", "type": "char[16]" } ] }],
        "perf_buffer_pages": 64,
        "poll_timeout_ms": 100,
    })
}

fn execs() -> Result<Vec<u8>> {
    package(&object("execs")?, &execs_meta())
}

#[test]
fn a_package_runs_as_a_file_an_archive_and_from_standard_input() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let json = execs()?;
    let archive = tar(&[
        ("./btfhub-archive/x/1/y/z.btf", b"?"),
        ("./package.json", &json),
    ])?;
    let plain = file(folder.path(), "package.json", &json)?;
    let packed = file(folder.path(), "execs.tar", &archive)?;
    for (name, input) in [(&*plain, None), (&*packed, None), ("-", Some(&*json))] {
        let run = run(&[name, "--enable-loud"], input, |run| {
            !run.own_rows().is_empty()
        })?;
        let own = run.own_rows();
        let row = own.first().context("an exec was reported")?;
        ensure!(
            row["comm"] == "true" && row["origin"] == "ORIGIN_EXEC",
            "{name}: {row}"
        );
    }
    Ok(())
}

#[test]
fn a_package_is_fetched_from_a_web_server() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}/tools/package.json", listener.local_addr()?);
    let body = execs()?;
    let server = std::thread::spawn(move || -> Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut request = [0; 4096];
        let read = stream.read(&mut request)?;
        ensure!(request[..read].starts_with(b"GET /tools/package.json "));
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        Ok(stream.write_all(&body)?)
    });
    let run = run(&[&address], None, |run| !run.own_rows().is_empty())?;
    server.join().expect("the server does not panic")?;
    ensure!(run.own_rows().iter().all(|row| row["comm"] == "true"));
    Ok(())
}

#[test]
fn options_and_help_come_from_the_description() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "package.json", &execs()?)?;
    let help = printed(&[&path, "-h"])?;
    for part in [
        "trace execs",
        "every exec",
        "-p, --pid <u32>",
        "Process",
        "--disable-loud",
    ] {
        ensure!(help.contains(part), "{part} in:\n{help}");
    }
    ensure!(!help.contains("--offset"), "{help}");
    let version = printed(&[&path, "--version"])?;
    ensure!(version.contains("0.3"), "{version}");
    Ok(())
}

#[test]
fn a_default_of_the_package_holds_whatever_the_object_has() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let mut meta = execs_meta();
    let variables = &mut meta["bpf_skel"]["data_sections"][0]["variables"];
    let variables = variables.as_array_mut().context("a list of variables")?;
    // The object has -5.
    variables.push(json!({ "name": "offset", "type": "__s64", "cmdarg": { "default": 77 } }));
    let folder = tempfile::tempdir()?;
    let path = file(
        folder.path(),
        "package.json",
        &package(&object("execs")?, &meta)?,
    )?;
    for (args, expected) in [(&[&*path][..], 77), (&[&*path, "--offset", "12"], 12)] {
        let run = run(args, None, |run| !run.own_rows().is_empty())?;
        let own = run.own_rows();
        let row = own.first().context("an exec was reported")?;
        ensure!(row["small"] == expected, "{args:?}: {row}");
    }
    Ok(())
}

#[test]
fn sampled_maps_are_shown_with_their_histograms() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let meta = json!({
        "bpf_skel": {
            "obj_name": "counts_bpf", "data_sections": null, "progs": null,
            "maps": [
                { "name": "hists", "ident": "hists", "mmaped": false, "sample": {
                    "interval": 50, "type": "log2_hist", "unit": "usecs", "clear_map": true } },
                { "name": "counts", "ident": "counts", "mmaped": false, "sample": {
                    "interval": 50, "type": "default_kv" } },
            ],
        },
        "export_types": null,
    });
    let folder = tempfile::tempdir()?;
    let path = file(
        folder.path(),
        "package.json",
        &package(&object("counts")?, &meta)?,
    )?;
    let run = run(&[&path], None, |run| {
        run.rows
            .iter()
            .filter(|row| row["slots"].is_array())
            .count()
            > 4
    })?;
    let sums: Vec<u64> = run
        .rows
        .iter()
        .filter_map(|row| row["slots"].as_array()?.get(3)?.as_u64())
        .collect();
    let total: u64 = sums.iter().sum();
    let counts = run.rows.iter().filter(|row| row["one"] == 1);
    let last = counts
        .filter_map(|row| row["value"].as_u64())
        .max()
        .context("counts")?;
    // Cleared after each interval, so that nothing is counted twice.
    ensure!(
        total > 0 && total <= last + 2,
        "{sums:?}, counts up to {last}"
    );
    ensure!(
        sums.iter().all(|sum| *sum < last),
        "{sums:?}, counts up to {last}"
    );
    Ok(())
}

#[test]
fn several_types_are_exported_and_programs_attached_as_their_comments_say() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let meta = json!({
        "bpf_skel": {
            "obj_name": "packets_bpf",
            "data_sections": [{ "name": ".rodata", "variables": [
                { "name": "mark", "type": "u32", "cmdarg": { "default": null } } ] }],
            "maps": [
                { "name": "packets", "ident": "packets", "mmaped": false, "export_config": {
                    "custom_members": [ { "name": "length", "offset": 0, "btf_type_id": 2 } ] } },
                { "name": "seen", "ident": "seen", "mmaped": false, "export_config": "no_export" },
            ],
            "progs": [{ "name": "pass", "attach": "xdp", "link": true,
                        "ifindex": 1, "flags": 2, "xdpopts": { "old_prog_fd": 0 } }],
        },
        "enable_multiple_export_types": true,
        "export_types": [],
    });
    let object = object("packets")?;
    let btf = eunomia_btf::Btf::from_elf(&object)?;
    let number = btf.find("unsigned int", eunomia_btf::Kind::Int)?.id().0;
    let mut meta = meta;
    meta["bpf_skel"]["maps"][0]["export_config"]["custom_members"][0]["btf_type_id"] =
        number.into();
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "package.json", &package(&object, &meta)?)?;
    let _taken = xdp_of_loopback();
    let enough = |run: &super::running::Run| run.rows.iter().any(|row| row["length"] == 142);
    run_with(&[&path], None, enough, || {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
        socket.send_to(&[7; 100], socket.local_addr()?)?;
        Ok(None)
    })
    .map(drop)
}

/// `samples` as a package: stacks in records, a linear histogram, an iterator.
fn samples_meta() -> Value {
    let program =
        |name: &str, attach: &str| json!({ "name": name, "attach": attach, "link": true });
    json!({
        "bpf_skel": {
            "obj_name": "samples_bpf",
            "data_sections": [{ "name": ".rodata", "variables": [
                { "name": "target", "type": "u32", "cmdarg": { "default": null } },
                { "name": "wanted", "type": "u32", "cmdarg": { "default": null } } ] }],
            "maps": [
                { "name": "events", "ident": "events", "mmaped": false, "intepreter": {
                    "stack_trace": { "with_symbols": true,
                                     "field_map": { "ustack": "user_addresses" } } } },
                { "name": "hists", "ident": "hists", "mmaped": false, "sample": {
                    "interval": 50, "type": "linear_hist", "unit": "(slots)" } },
            ],
            "progs": [program("on_sample", "perf_event"), program("on_exec", "tp/sched/x"),
                      program("list", "iter/task")],
        },
        "export_types": [{ "name": "event", "members": [
            { "name": "pid", "type": "u32" }, { "name": "kstack", "type": "u64[127]" } ] }],
    })
}

/// What a sampled thread does.
#[inline(never)]
fn spin_in_package_until(stop: &std::sync::atomic::AtomicBool) -> u64 {
    let mut count = 0_u64;
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        count = std::hint::black_box(count.wrapping_mul(31).wrapping_add(7));
    }
    count
}

#[test]
fn stacks_in_records_are_symbolized_in_json_and_columns() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    // The text of an iterator is no JSON.
    let meta = without_iterator(samples_meta());
    let bytes = package(&object("samples-NO_ITERATOR")?, &meta)?;
    let path = file(folder.path(), "package.json", &bytes)?;
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let spinning = std::sync::Arc::clone(&stop);
    let thread = std::thread::spawn(move || spin_in_package_until(&spinning));
    let own = std::process::id().to_string();
    let has_frame = |row: &Value| {
        let frames = row["ustack"].as_array().map_or(&[][..], Vec::as_slice);
        let mut frames = frames.iter().filter_map(Value::as_str);
        frames.any(|frame| frame.contains("spin_in_package_until"))
    };
    let run = run(
        &[&path, "--target", &own, "--frequency", "199"],
        None,
        |run| {
            let slots = run
                .rows
                .iter()
                .any(|row| row["slots"][11].as_u64() > Some(2));
            run.rows.iter().any(has_frame) && slots
        },
    );
    // Plain output has the same frames, one a line.
    let plain = eunomia_tests::ecli()?
        .args([
            "run",
            "--timeout",
            "1500ms",
            &path,
            "--target",
            &own,
            "--frequency",
            "199",
        ])
        .output();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let _ = thread.join();
    let run = run?;
    let plain = String::from_utf8(plain?.stdout)?;
    ensure!(plain.contains("spin_in_package_until"), "{plain}");
    let sampled = run.rows.iter().filter(|row| row["ustack"].is_array());
    for row in sampled {
        ensure!(
            row["pid"] == std::process::id() && row["kstack"].is_array(),
            "{row}"
        );
        ensure!(row["cpu_id"].is_u64(), "{row}");
    }
    Ok(())
}

/// Starts processes until the tool has ended.
fn ended(mut tool: Running) -> Result<Ended> {
    wait_until("the tool ends", Duration::from_secs(60), || {
        ensure!(std::process::Command::new("/bin/true").status()?.success());
        tool.has_ended()
    })?;
    tool.end()
}

fn without_iterator(mut meta: Value) -> Value {
    if let Some(programs) = meta["bpf_skel"]["progs"].as_array_mut() {
        programs.retain(|program| program["name"] != "list");
    }
    meta
}

#[test]
fn linear_histograms_and_the_text_of_iterators_are_shown() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let bytes = package(&object("samples")?, &samples_meta())?;
    let path = file(folder.path(), "package.json", &bytes)?;
    let own = std::process::id().to_string();
    let text = ended(Running::start([
        "--timeout",
        "3s",
        &path,
        "--wanted",
        &own,
    ])?)?
    .printed;
    ensure!(text.starts_with(&format!("process {own}\n")), "{text}");
    let plot = text.lines().rev().find(|line| line.contains('|'));
    let plot = plot.with_context(|| text.clone())?;
    let words: Vec<&str> = plot.split_whitespace().collect();
    ensure!(words[0] == "11" && words[1] == ":", "{plot}");
    ensure!(
        words[2].parse::<u64>()? > 0 && plot.contains("***"),
        "{plot}"
    );
    ensure!(
        text.contains("slots") && !text.contains("(slots)"),
        "{text}"
    );
    Ok(())
}

/// `opens`, whose program reads structs of the kernel, in an archive with these types beside it.
fn with_types(folder: &Path, name: &str, types: &[u8]) -> Result<String> {
    let meta = json!({
        "bpf_skel": {
            "obj_name": "opens_bpf",
            "maps": [{ "name": "events", "ident": "events", "mmaped": false }],
            "progs": [{ "name": "ig_exec", "attach": "tracepoint", "link": true }],
        },
        "export_types": [{ "name": "event", "members": [{ "name": "pid", "type": "u32" }] }],
    });
    let json = package(&object("opens")?, &meta)?;
    let path = format!("./btfhub-archive/{name}.btf");
    let archive = tar(&[(&*path, types), ("./package.json", &json)])?;
    file(folder, "opens.tar", &archive)
}

#[test]
fn an_archive_brings_the_types_of_kernels_that_do_not_show_them() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let types = std::fs::read("/sys/kernel/btf/vmlinux")?;
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let ours = format!("any/1/{}/{}", std::env::consts::ARCH, release.trim());
    // In a mount namespace where the kernel shows none.
    let run = |path: &str, variables: &[(&str, &str)]| -> Result<Ended> {
        let ecli = eunomia_tests::ecli()?;
        let mut command = std::process::Command::new("unshare");
        command
            .args(["--mount", "sh", "-c"])
            .arg("mount -t tmpfs none /sys/kernel/btf && exec \"$@\"")
            .arg("sh")
            .arg(ecli.get_program())
            .args([
                "run",
                "-o",
                "json",
                "--count",
                "1",
                "--timeout",
                "20s",
                path,
            ]);
        for (name, value) in ecli.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        ended(Running::of(command.envs(variables.iter().copied()))?)
    };
    let is_shown = |ended: &Ended| ended.code == 0 && ended.printed.contains("\"mntns_id\":4");
    let output = run(&with_types(folder.path(), &ours, &types)?, &[])?;
    ensure!(is_shown(&output), "{output:?}");
    // Those of another kernel are of no use; a file that the user names is.
    let path = with_types(folder.path(), "any/1/x86_64/4.19.0", &types)?;
    let output = run(&path, &[])?;
    ensure!(
        output.code > 0 && output.said.contains("describe its types"),
        "{output:?}"
    );
    let named = file(folder.path(), "kernel.btf", &types)?;
    let output = run(&path, &[("BTF_FILE_PATH", &named)])?;
    ensure!(is_shown(&output), "{output:?}");
    // Damage is told with the name of the file.
    let output = run(&with_types(folder.path(), &ours, b"damaged")?, &[])?;
    ensure!(
        output.code > 0 && output.said.contains(release.trim()),
        "{output:?}"
    );
    Ok(())
}
