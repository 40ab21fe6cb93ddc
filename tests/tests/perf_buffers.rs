//! `ecli run --perf-buffers`: a tool works as on a kernel without ring buffers, on this one.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use eunomia_tests::{Running, build, ecli, is_root, wait_until};
use serde_json::Value;

const STARTS: usize = 300;
const JSON: &[&str] = &["-o", "json"];
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a process; its number.
fn act() -> Result<u64> {
    let mut child = Command::new("true").spawn()?;
    child.wait()?;
    Ok(u64::from(child.id()))
}

/// Processes whose start a tool has printed since the last call.
fn seen(tool: &mut Running) -> Result<Vec<u64>> {
    tool.must_run()?;
    let rows = tool.rows()?.into_iter();
    let starts = rows.filter(|row| row["comm"] == "true");
    Ok(starts.filter_map(|row| row["pid"].as_u64()).collect())
}

/// What a tool prints last when it is asked to stop.
fn last(tool: Running) -> Result<Value> {
    let mut rows = tool.stop()?.rows()?;
    rows.pop().context("there is a last row")
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
        let mut tool = Running::start([JSON, arguments].concat())?;
        wait_until("it is attached", PATIENCE, || {
            act()?;
            Ok(!seen(&mut tool)?.is_empty())
        })?;
        let mut missing = BTreeSet::new();
        for _ in 0..STARTS {
            missing.insert(act()?);
        }
        wait_until("all starts are seen", PATIENCE, || {
            for process in seen(&mut tool)? {
                missing.remove(&process);
            }
            Ok(missing.is_empty())
        })?;
        let last = last(tool)?;
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
    let mut tool = Running::start([JSON, &["--perf-buffers", "perf-flood"]].concat())?;
    wait_until("it is attached", PATIENCE, || {
        act()?;
        Ok(!seen(&mut tool)?.is_empty())
    })?;
    tool.signal("STOP")?;
    let calls = Command::new("dd")
        .args(["if=/dev/zero", "of=/dev/null", "bs=1", "count=100000"])
        .stderr(Stdio::null())
        .status()?;
    tool.signal("CONT")?;
    ensure!(calls.success(), "make system calls");
    let last = last(tool)?;
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
