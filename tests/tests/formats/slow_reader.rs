//! A reader that takes rows slower than they come: the renderer waits, the kernel drops, and what
//! it dropped is told.

use std::io::Read;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, ecli, is_root, thread_id, wait_until};
use serde_json::Value;

use super::gadget::image_of;
use super::running::{file, object};

/// Events of the flood: their JSON is some hundred times what pipe, buffers and ring hold.
const FLOOD: u64 = 200_000;

/// How long the machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The system call of the flood, `getppid`.
#[cfg(target_arch = "x86_64")]
const NUMBER: &str = "110";
#[cfg(target_arch = "aarch64")]
const NUMBER: &str = "173";

fn provoke() {
    std::hint::black_box(std::os::unix::process::parent_id());
}

/// Floods the tool that `args` start, reading slowly; returns its rows and what it says is lost.
fn flooded(args: &[&str]) -> Result<(Vec<Value>, u64)> {
    // The kernel tells what a CPU's buffer lost with the next event of that CPU.
    // Others of this process make system calls, too.
    let thread = thread_id()?;
    let pinned = Command::new("taskset")
        .args(["-cp", "0", &thread])
        .output()?;
    ensure!(pinned.status.success(), "pin this thread: {pinned:?}");
    let mut command = ecli()?;
    command.args(["run", "-o", "json"]).args(args);
    command.args(["--target", &thread, "--wanted", NUMBER]);
    let (mut tool, mut stdout) = Running::unread(&mut command)?;
    // It is attached as soon as there is a row, a byte of which is enough.
    let mut text = vec![0];
    let (sender, first) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || -> Result<Vec<u8>> {
        stdout.read_exact(&mut text)?;
        let _ = sender.send(());
        // Slow until the flood is over, which the other end tells by going away.
        let mut chunk = [0; 4096];
        while sender.send(()).is_ok() {
            let read = stdout.read(&mut chunk)?;
            text.extend_from_slice(&chunk[..read]);
            std::thread::sleep(Duration::from_millis(20));
        }
        stdout.read_to_end(&mut text)?;
        Ok(text)
    });
    wait_until("the first row is there", PATIENCE, || {
        tool.must_run()?;
        provoke();
        Ok(first.try_recv().is_ok())
    })?;
    for _ in 0..FLOOD {
        provoke();
    }
    drop(first);
    // Once there is room again, the last ones come, whose numbers say how many there were.
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(50));
        provoke();
    }
    tool.stop()?;
    let text = reader.join().expect("the reader does not panic")?;
    let mut rows = Vec::new();
    for line in String::from_utf8(text)?.lines() {
        rows.push(serde_json::from_str::<Value>(line).with_context(|| line.to_owned())?);
    }
    let last = rows.pop().context("there is a last line")?;
    let lost = last["lost"].as_u64().with_context(|| last.to_string())?;
    Ok((rows, lost))
}

fn check(rows: &[Value], lost: u64) -> Result<()> {
    let numbers: Vec<u64> = rows
        .iter()
        .filter_map(|row| row["number"].as_u64())
        .collect();
    ensure!(numbers.len() == rows.len(), "every row has a number");
    ensure!(
        numbers.is_sorted_by(|a, b| a < b),
        "rows are in order, none twice"
    );
    let made = numbers.last().context("there are rows")? + 1;
    ensure!(made > FLOOD, "{made} events");
    let shown = numbers.len() as u64;
    ensure!(
        lost > 0,
        "the reader was not slow enough: {shown} of {made}"
    );
    ensure!(
        shown + lost == made,
        "{shown} rows and {lost} lost of {made} events"
    );
    Ok(())
}

#[test]
fn what_a_ring_buffer_has_no_room_for_is_counted_by_the_gadget() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image_of(folder.path(), "flood", None, None)?;
    let (rows, lost) = flooded(&[folder.path().to_str().unwrap_or_default()])?;
    check(&rows, lost)
}

#[test]
fn what_a_perf_event_array_has_no_room_for_is_counted_by_the_kernel() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "flood.bpf.o", &object("flood-PERF")?)?;
    let (rows, lost) = flooded(&[&path, "--type", "events=event"])?;
    check(&rows, lost)
}
