//! `ecli run --perf-buffers`: a tool works as on a kernel without ring buffers, on this one.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use eunomia_tests::{build, ecli, is_root, wait_until};
use serde_json::Value;

const STARTS: usize = 300;
const PATIENCE: Duration = Duration::from_secs(60);

/// A tool that runs; its rows come as they are printed.
struct Running {
    child: Child,
    rows: Receiver<Value>,
    /// Processes whose start was seen.
    seen: BTreeSet<u64>,
}

impl Running {
    fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = ecli()?
            .args(["run", "-o", "json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let (sender, rows) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let row = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(row).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            rows,
            seen: BTreeSet::new(),
        })
    }

    /// Starts a process; its number.
    fn act() -> Result<u64> {
        let mut child = Command::new("true").spawn()?;
        child.wait()?;
        Ok(u64::from(child.id()))
    }

    fn has_seen(&mut self, processes: &[u64]) -> Result<bool> {
        ensure!(self.child.try_wait()?.is_none(), "the tool has ended");
        let starts = self.rows.try_iter().filter(|row| row["comm"] == "true");
        self.seen
            .extend(starts.filter_map(|row| row["pid"].as_u64()));
        Ok(processes.iter().all(|process| self.seen.contains(process)))
    }

    /// Asks it to stop; its last row.
    fn stop(mut self) -> Result<Value> {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-INT", &id]).status()?;
        ensure!(status.success(), "send SIGINT");
        let status = self.child.wait()?;
        ensure!(status.success(), "the tool ended with {status}");
        self.rows.iter().last().context("there is a last row")
    }
}

/// A test that fails leaves no tool behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}

/// Builds an image of one BPF object.
fn build_object(name: &str, source: &str) -> Result<()> {
    let project = tempfile::tempdir()?;
    std::fs::write(
        project.path().join("ecli.toml"),
        format!("name = {name:?}\n"),
    )?;
    std::fs::write(project.path().join("object.bpf.c"), source)?;
    let built = ecli()?
        .env_remove("ECLI_TARGET_DIR")
        .arg("build")
        .arg(project.path())
        .output()?;
    let said = String::from_utf8_lossy(&built.stderr);
    ensure!(built.status.success(), "{said}");
    Ok(())
}

#[test]
fn every_start_is_seen_through_perf_buffers() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build_object("perf-starts", SOURCE)?;
    for arguments in [&["perf-starts"][..], &["--perf-buffers", "perf-starts"]] {
        let mut tool = Running::start(arguments)?;
        wait_until("it is attached", PATIENCE, || {
            Running::act()?;
            tool.has_seen(&[])?;
            Ok(!tool.seen.is_empty())
        })?;
        let started = (0..STARTS).map(|_| Running::act());
        let started = started.collect::<Result<Vec<_>>>()?;
        wait_until("all starts are seen", PATIENCE, || tool.has_seen(&started))?;
        let last = tool.stop()?;
        ensure!(last["lost"] == 0, "{arguments:?}: {last}");
    }
    Ok(())
}

#[test]
fn what_the_kernel_drops_is_reported() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    // All system calls of the machine: more than a tool that stands still has room for.
    build_object(
        "perf-flood",
        &SOURCE.replace("sched_process_exec", "sys_enter"),
    )?;
    let mut tool = Running::start(&["--perf-buffers", "perf-flood"])?;
    wait_until("it is attached", PATIENCE, || {
        Running::act()?;
        tool.has_seen(&[])?;
        Ok(!tool.seen.is_empty())
    })?;
    let signal = |name: &str| -> Result<()> {
        let id = tool.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status()?;
        ensure!(status.success(), "send {name}");
        Ok(())
    };
    signal("-STOP")?;
    let calls = Command::new("dd")
        .args(["if=/dev/zero", "of=/dev/null", "bs=1", "count=100000"])
        .stderr(Stdio::null())
        .status()?;
    signal("-CONT")?;
    ensure!(calls.success(), "make system calls");
    let last = tool.stop()?;
    ensure!(
        last["lost"].as_u64().is_some_and(|lost| lost > 1000),
        "{last}"
    );
    Ok(())
}

#[test]
fn a_tool_that_needs_a_ring_buffer_is_refused() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/execsnoop")?;
    let refused = ecli()?
        .args(["run", "--timeout", "1s", "--perf-buffers", "execsnoop"])
        .output()?;
    let said = String::from_utf8_lossy(&refused.stderr);
    ensure!(!refused.status.success(), "{said}");
    ensure!(said.contains("event_buffer.bpf.h"), "{said}");
    Ok(())
}

const SOURCE: &str = r#"
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <eunomia/event_buffer.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct event {
	__u32 pid;
	char comm[16];
};

EVENT_BUFFER(events, 256 * 1024, struct event);

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	struct event *event = EVENT_RESERVE(events, sizeof(*event));

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	EVENT_SUBMIT(ctx, events, event, sizeof(*event));
	return 0;
}
"#;
