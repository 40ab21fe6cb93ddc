//! BPF objects by themselves.

use anyhow::{Context, Result, ensure};
use eunomia_tests::{ecli, is_root};

use super::running::{file, object, printed, refused, run, run_with, xdp_of_loopback};

#[test]
fn records_of_a_ring_buffer_are_decoded_by_the_type_that_its_map_declares() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "execs.bpf.o", &object("execs")?)?;
    let run = run(&[&path, "--offset", "-7"], None, |run| {
        run.own_rows().len() > 2
    })?;
    let own = run.own_rows();
    let row = own.first().context("an exec was reported")?;
    for (field, expected) in [
        ("origin", "ORIGIN_EXEC".into()),
        ("comm", "true".into()),
        ("whole", 0x0403_0201.into()),
        ("low", 9.into()),
        ("high", 1234.into()),
        ("large", true.into()),
        ("small", serde_json::Value::from(-7)),
    ] {
        ensure!(row[field] == expected, "{field} in {row}");
    }
    ensure!(
        row["stamp"].as_u64().is_some_and(|stamp| stamp > 0),
        "{row}"
    );
    // Every exec once.
    let first = own[0]["pid"].as_u64();
    let from = run.children.iter().position(|pid| Some(*pid) == first);
    let expected = &run.children[from.context("the first one is ours")?..];
    let reported: Vec<u64> = own.iter().filter_map(|row| row["pid"].as_u64()).collect();
    ensure!(reported == expected, "{reported:?} instead of {expected:?}");
    Ok(())
}

#[test]
fn maps_are_shown_at_intervals_and_values_of_cpus_added_up() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "counts.bpf.o", &object("counts")?)?;
    let run = run(&[&path, "--interval", "100ms"], None, |run| {
        run.rows.len() > 10
    })?;
    let counts: Vec<u64> = run
        .rows
        .iter()
        .filter(|row| row["one"] == 1 && row["two"] == 2)
        .filter_map(|row| row["value"].as_u64())
        .collect();
    ensure!(counts.is_sorted() && counts.len() > 1, "{counts:?}");
    ensure!(
        *counts.last().context("counts")? as usize >= run.children.len() / 2,
        "{counts:?}"
    );
    // Of the array only the entry that is not zero; the histogram with all its slots.
    let of_cpus = run.rows.iter().filter(|row| row["key"] == 1).count();
    ensure!(of_cpus > 0, "{:?}", run.rows);
    ensure!(run.rows.iter().all(|row| row["key"] != 0), "{:?}", run.rows);
    let slots = run.rows.iter().find_map(|row| row["slots"].as_array());
    let slots = slots.context("the histogram is shown")?;
    ensure!(
        slots.len() == 8 && slots[3].as_u64() > Some(0) && slots[2] == 0,
        "{slots:?}"
    );
    Ok(())
}

#[test]
fn tables_are_known_before_they_have_rows() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "counts.bpf.o", &object("counts")?)?;
    let shown = |options: &[&str]| {
        let args = [
            &["run", "--timeout", "1s", "-o", "json"],
            options,
            &[&*path],
        ]
        .concat();
        ecli()?.args(args).output().context("run it")
    };
    let output = shown(&[])?;
    let printed = String::from_utf8(output.stdout)?;
    let is_whole = printed.ends_with("{\"lost\":0}\n");
    ensure!(output.status.success() && is_whole, "{printed}");
    // Each in one of three tables.
    for field in ["one", "key", "slots"] {
        let output = shown(&["--fields", field])?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{field}: {said}");
    }
    let said = refused(&["--timeout", "1s", "--fields", "slot", &path])?;
    ensure!(said.contains("no field `slot`; close are slots"), "{said}");
    Ok(())
}

#[test]
fn maps_that_are_named_are_shown_alone() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "counts.bpf.o", &object("counts")?)?;
    let args = [&path, "--interval", "100ms", "--map", "per_cpu"];
    let run = run(&args, None, |run| run.rows.len() > 3)?;
    let others = run.rows.iter().filter(|row| row.get("lost").is_none());
    ensure!(others.clone().all(|row| row["key"] == 1), "{:?}", run.rows);
    Ok(())
}

#[test]
fn programs_that_do_not_say_where_are_attached_by_the_operator() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "packets.bpf.o", &object("packets")?)?;
    let _taken = xdp_of_loopback();
    let said = refused(&[&path])?;
    ensure!(said.contains("--attach pass=xdp:INTERFACE"), "{said}");
    for place in [
        ["--interface=lo", "--mode=generic"],
        ["--attach", "pass=xdp:lo:generic"],
    ] {
        let args = [&*path, "--mark", "77", place[0], place[1]];
        let enough = |run: &super::running::Run| run.rows.len() > 3;
        let run = run_with(&args, None, enough, || {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
            socket.send_to(&[7; 100], socket.local_addr()?)?;
            Ok(None)
        })?;
        // Ethernet, IP and UDP headers before the 100 bytes.
        let ours = run.rows.iter().filter(|row| row["bytes"] == 142).count();
        ensure!(ours > 0, "{:?}", run.rows);
        ensure!(
            run.rows
                .iter()
                .all(|row| row["mark"] == 77 || row["lost"] == 0)
        );
    }
    Ok(())
}

#[test]
fn help_lists_variables_with_types_and_defaults() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "execs.bpf.o", &object("execs")?)?;
    let help = printed(&[&path, "--help"])?;
    for part in [
        "--filter_pid <u32>",
        "[default: 0]",
        "--quiet",
        "--disable-loud",
        "--only <char[16]>",
        "[default: -5]",
        "--origin <ORIGIN_NONE|ORIGIN_EXEC>",
        "[default: ORIGIN_EXEC]",
        "[default: x]",
        "--attach <PROGRAM=TARGET>",
    ] {
        ensure!(help.contains(part), "{part} in:\n{help}");
    }
    for (option, reason) in [
        (
            &["--filter-pid", "x"][..],
            "--filter_pid: `x` is not a whole number",
        ),
        (&["--filter-pid=-1"], "is not between 0 and 4294967295"),
        (&["--only", "0123456789abcdef"], "at most 15 fit"),
        (
            &["--origin", "NOWHERE"],
            "`NOWHERE` is not a whole number, and none of ORIGIN_NONE, ORIGIN_EXEC",
        ),
        (&["--letter", "yz"], "`yz` is not a whole number"),
        (&["--bogus"], "unknown option `--bogus`"),
        (&["--type", "events=nonsense"], "type \"nonsense\""),
        (&["--map", "nonsense"], "map `nonsense`"),
        (&["--attach", "nope=xdp:lo"], "there is no program `nope`"),
    ] {
        let said = refused(&[&[&*path], option].concat())?;
        ensure!(said.contains(reason), "{option:?}: {said}");
    }
    Ok(())
}
