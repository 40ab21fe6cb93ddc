//! Gadgets with all kinds of data sources: iterators, maps, samples of stacks, packets.

use std::net::UdpSocket;

use anyhow::{Context, Result, ensure};
use eunomia_tests::is_root;
use serde_json::Value;

use super::gadget::image_of;
use super::running::{Run, namesake, printed, run, run_with};

#[test]
fn a_snapshot_has_every_process_once() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image_of(folder.path(), "snapshot", None, None)?;
    let path = folder.path().to_str().unwrap_or_default();
    let text = printed_json(&["-o", "json", path])?;
    let own = u64::from(std::process::id());
    let rows: Vec<&Value> = text
        .iter()
        .filter(|row| row["proc"]["pid"] == own)
        .collect();
    ensure!(rows.len() == 1, "{rows:?}");
    let row = rows[0];
    ensure!(row["proc"]["creds"]["uid"] == 0, "{row}");
    ensure!(row["proc"]["tid"] == own, "{row}");
    let parent = std::os::unix::process::parent_id();
    ensure!(row["proc"]["parent"]["pid"] == parent, "{row}");
    ensure!(row["state"] == "7" || row["state"] == 7, "{row}");
    ensure!(row["__padding"].is_null(), "{row}");
    let pids: Vec<u64> = text
        .iter()
        .filter_map(|row| row["proc"]["pid"].as_u64())
        .collect();
    let mut unique = pids.clone();
    unique.sort_unstable();
    unique.dedup();
    ensure!(unique.len() == pids.len() && pids.len() > 2, "{pids:?}");
    // In columns, what every gadget has goes by short names.
    let columns = printed(&[path])?;
    let header = columns.lines().next().context("there is a header")?;
    let words: Vec<&str> = header.split_whitespace().collect();
    let expected = [
        "COMM", "PID", "TID", "MNTNS_ID", "UID", "GID", "PCOMM", "PPID", "STATE",
    ];
    ensure!(words == expected, "{header}");
    // The parameter, which a tag declares, adds threads.
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || receiver.recv());
    let all = printed_json(&["-o", "json", path, "--show-threads"])?;
    drop(sender);
    let _ = thread.join();
    let threads = all.iter().filter(|row| row["proc"]["pid"] == own).count();
    ensure!(threads > 1, "{threads}");
    Ok(())
}

fn printed_json(args: &[&str]) -> Result<Vec<Value>> {
    printed(args)?
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect()
}

const TALLY: &str = "\
name: tally
paramDefaults:
  operator.oci.ebpf.map-fetch-interval: execs:50ms,other:1h
datasources:
  execs:
    fields:
      comm:
        annotations:
          template: comm
      execs:
        annotations:
          columns.width: \"6\"
";

#[test]
fn entries_of_a_map_are_taken_out_of_it_at_each_interval() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image_of(folder.path(), "tally", Some(TALLY), None)?;
    let path = folder.path().to_str().unwrap_or_default();
    let program = namesake(folder.path(), "tallied")?;
    let mut started = 0_u64;
    let ours = |run: &Run| -> Vec<Value> {
        let rows = run.rows.iter().filter(|row| row["comm"] == "tallied");
        rows.cloned().collect()
    };
    let run = run_with(
        &[path],
        None,
        |run| ours(run).len() > 5,
        || {
            std::process::Command::new(&program).status()?;
            started += 1;
            Ok(None)
        },
    )?;
    let rows = ours(&run);
    let counts: Vec<u64> = rows
        .iter()
        .filter_map(|row| row["execs"].as_u64())
        .collect();
    let total: u64 = counts.iter().sum();
    let slots = rows.iter().filter_map(|row| row["latency"][3].as_u64());
    ensure!(slots.sum::<u64>() == total, "{rows:?}");
    // What was started before it was attached is not counted; nothing is counted twice, also at
    // the end.
    ensure!(counts.iter().all(|count| *count < started), "{counts:?}");
    ensure!(total > 5 && total <= started, "{total} of {started}");
    ensure!(rows[0]["__private"].is_null(), "{:?}", rows[0]);
    Ok(())
}

/// What a sampled process does. Its name is what the user's stack has.
#[inline(never)]
fn spin_until(stop: &std::sync::atomic::AtomicBool) -> u64 {
    let mut count = 0_u64;
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        count = std::hint::black_box(count.wrapping_mul(31).wrapping_add(7));
    }
    count
}

const STACKS: &str = "\
name: stacks
programs:
  profiler:
    sampler:
      frequency: 199
params:
  ebpf:
    target:
      key: pid
      defaultValue: \"0\"
";

#[test]
fn stacks_of_the_kernel_and_of_processes_are_symbolized() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image_of(folder.path(), "stacks", Some(STACKS), None)?;
    let path = folder.path().to_str().unwrap_or_default();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let spinning = std::sync::Arc::clone(&stop);
    let thread = std::thread::spawn(move || spin_until(&spinning));
    let own = std::process::id().to_string();
    let has_frame = |row: &Value, field: &str, wanted: &str| {
        let frames = row[field].as_array().map_or(&[][..], Vec::as_slice);
        frames
            .iter()
            .any(|frame| frame.as_str().is_some_and(|it| it.contains(wanted)))
    };
    let run = run(
        &[path, "--pid", &own, "--map-fetch-interval", "100ms"],
        None,
        |run| {
            let rows = || run.rows.iter();
            let user = rows().any(|row| has_frame(row, "user_stack", "spin_until"));
            let kernel = rows().any(|row| has_frame(row, "kstack", "exec"));
            user && kernel
        },
    );
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let _ = thread.join();
    let run = run?;
    let sampled: Vec<&Value> = run
        .rows
        .iter()
        .filter(|row| row["samples"].is_u64())
        .collect();
    ensure!(
        sampled.iter().all(|row| row["pid"] == std::process::id()),
        "{sampled:?}"
    );
    ensure!(
        sampled.iter().all(|row| row["user_stack_pid"].is_null()),
        "{sampled:?}"
    );
    let exec = run.own_rows();
    let exec = exec.first().context("an exec was reported")?;
    ensure!(
        exec["comm"] == "true" && exec["kstack"].is_array(),
        "{exec}"
    );
    Ok(())
}

#[test]
fn packets_of_all_interfaces_have_both_ends() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image_of(folder.path(), "datagrams", None, None)?;
    let path = folder.path().to_str().unwrap_or_default();
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    let (from, to) = (sender.local_addr()?, receiver.local_addr()?);
    let mut sent = 0_u64;
    let ours = |run: &Run| -> Vec<Value> {
        let rows = run.rows.iter();
        let rows = rows.filter(|row| row["dst"]["port"] == to.port());
        rows.cloned().collect()
    };
    let run = run_with(
        &[path],
        None,
        |run| ours(run).len() > 20,
        || {
            // Each one has another size, so that a lost one is seen.
            sender.send_to(&vec![7; 100 + usize::try_from(sent)?], to)?;
            sent += 1;
            Ok(None)
        },
    )?;
    let rows = ours(&run);
    let sizes: Vec<u64> = rows
        .iter()
        .filter_map(|row| row["bytes"].as_u64())
        .collect();
    let first = *sizes.first().context("a datagram was reported")?;
    let expected: Vec<u64> = (first..100 + sent).collect();
    ensure!(sizes == expected, "{sizes:?} instead of {expected:?}");
    for row in &rows {
        ensure!(row["src"]["port"] == from.port(), "{row}");
        ensure!(
            row["src"]["addr"] == "127.0.0.1" && row["dst"]["addr"] == "127.0.0.1",
            "{row}"
        );
        ensure!(row["src"]["version"] == 4, "{row}");
        ensure!(!row["timestamp"].is_null(), "{row}");
    }
    Ok(())
}
