//! Programs that do not say where they are attached, in packages and images that leave it to the
//! command line: functions of processes, network interfaces, cgroups, the clock.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use eunomia_tests::{ecli, is_root};
use serde_json::{Value, json};

use super::bpfman::{OCI, image};
use super::forms::{gzip, index, package, tar};
use super::running::{Run, file, object, run_with};

/// Values of `enum place`.
const UPROBE: &str = "1";
const TC: &str = "2";
const CGROUP: &str = "3";
const SAMPLE: &str = "4";

/// `places` as a package of eunomia-bpf, the comment of whose `tc` program says where it goes.
fn in_package(folder: &Path) -> Result<String> {
    let program =
        |name: &str, attach: &str| json!({ "name": name, "attach": attach, "link": true });
    let mut on_packet = program("on_packet", "classifier/ingress");
    on_packet["tchook"] = json!({ "ifindex": 1, "attach_point": "BPF_TC_EGRESS" });
    on_packet["tcopts"] = json!({ "handle": 1, "priority": 1 });
    let meta = json!({
        "bpf_skel": {
            "obj_name": "places_bpf",
            "data_sections": [{ "name": ".rodata", "variables": [
                { "name": "only", "type": "u32", "cmdarg": { "default": null } } ] }],
            "maps": [{ "name": "events", "ident": "events", "mmaped": false }],
            "progs": [program("on_call", "uprobe"), on_packet,
                      program("on_send", "cgroup_skb/egress"), program("on_sample", "perf_event")],
        },
        "export_types": [{ "name": "event", "members": [
            { "name": "value", "type": "u64" }, { "name": "pid", "type": "u32" } ] }],
    });
    file(folder, "package.json", &package(&object("places")?, &meta)?)
}

/// The same as a bytecode image with labels or without.
fn in_image(folder: &Path, labels: &Value) -> Result<String> {
    let layer = gzip(&tar(&[("places.bpf.o", &object("places")?)])?)?;
    image(folder, labels, OCI, &layer)?;
    Ok(folder
        .to_str()
        .context("temporary paths are UTF-8")?
        .to_owned())
}

fn labels() -> Value {
    let programs = json!({
        "on_call": "uprobe", "on_packet": "tcx", "on_send": "cgroup_skb", "on_sample": "perf_event",
    });
    json!({
        "io.ebpf.programs": programs.to_string(),
        "io.ebpf.maps": r#"{"events":"ring_buffer"}"#,
    })
}

fn calls(tool: &str) -> Result<()> {
    let own = std::process::id().to_string();
    let args = [
        tool,
        "--only",
        UPROBE,
        "--binary",
        "libc.so.6",
        "--symbol",
        "getpid",
        "--attach-pid",
        &own,
    ];
    let enough = |run: &Run| run.rows.len() > 20;
    let run = run_with(&args, None, enough, || {
        std::hint::black_box(std::process::id());
        Ok(None)
    })?;
    let rows: Vec<&Value> = run
        .rows
        .iter()
        .filter(|row| row["lost"].is_null())
        .collect();
    ensure!(rows.iter().all(|row| row["place"] == "UPROBE"), "{rows:?}");
    ensure!(
        rows.iter().all(|row| row["pid"] == std::process::id()),
        "{rows:?}"
    );
    Ok(())
}

/// Datagrams of sizes that nobody else sends, each of which is reported once.
fn packets(tool: &str, place: &str, more: &[&str], bytes: Bytes) -> Result<()> {
    let args = [&[tool, "--only", place][..], more].concat();
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let to = socket.local_addr()?;
    let mut sent = 0_u64;
    let first = bytes.first + bytes.head;
    let sizes = |run: &Run| -> Vec<u64> {
        let values = run.rows.iter().filter_map(|row| row["value"].as_u64());
        values
            .filter(|value| (first..first + bytes.first).contains(value))
            .collect()
    };
    let run = run_with(
        &args,
        None,
        |run| sizes(run).len() > 20,
        || {
            socket.send_to(&vec![7; usize::try_from(bytes.first + sent)?], to)?;
            sent += 1;
            Ok(None)
        },
    )?;
    let sizes = sizes(&run);
    let expected: Vec<u64> = (sizes[0]..first + sent).collect();
    ensure!(sizes == expected, "{sizes:?} instead of {expected:?}");
    Ok(())
}

fn samples(tool: &str) -> Result<()> {
    let args = [tool, "--only", SAMPLE, "--frequency", "199"];
    let run = run_with(&args, None, |run| run.rows.len() > 20, || Ok(None))?;
    let rows: Vec<&Value> = run
        .rows
        .iter()
        .filter(|row| row["lost"].is_null())
        .collect();
    ensure!(rows.iter().all(|row| row["place"] == "SAMPLE"), "{rows:?}");
    Ok(())
}

/// How large datagrams are.
#[derive(Clone, Copy)]
struct Bytes {
    /// Of the first one's data; each has one more than the one before.
    first: u64,
    /// Of the heads that a program sees.
    head: u64,
}

/// Ethernet, IP and UDP; a cgroup's programs do not see the first.
const FRAME: u64 = 14 + 20 + 8;
const DATAGRAM: u64 = 20 + 8;

/// Tests run at the same time: each has sizes of its own.
fn package_bytes(head: u64) -> Bytes {
    Bytes { first: 1000, head }
}

fn image_bytes(head: u64) -> Bytes {
    Bytes {
        first: 20_000,
        head,
    }
}

#[test]
fn a_package_goes_where_its_comments_and_its_options_say() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let tool = in_package(folder.path())?;
    calls(&tool)?;
    packets(&tool, TC, &[], package_bytes(FRAME))?;
    packets(&tool, CGROUP, &["--cgroup", "/"], package_bytes(DATAGRAM))?;
    samples(&tool)
}

#[test]
fn bytecode_images_go_where_the_options_say_with_labels_and_without() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    for labels in [labels(), json!({}), Value::Null] {
        let folder = tempfile::tempdir()?;
        let tool = in_image(folder.path(), &labels)?;
        if labels.is_null() {
            index(folder.path())?;
        }
        calls(&tool)?;
        for direction in ["ingress", "egress"] {
            packets(
                &tool,
                TC,
                &["--interface", "lo", "--direction", direction],
                image_bytes(FRAME),
            )?;
        }
    }
    let folder = tempfile::tempdir()?;
    let tool = in_image(folder.path(), &labels())?;
    packets(
        &tool,
        TC,
        &["--interface=lo", "--priority=7"],
        image_bytes(FRAME),
    )?;
    packets(&tool, CGROUP, &["--cgroup", "/"], image_bytes(DATAGRAM))?;
    samples(&tool)
}

/// Whether the loopback device has a filter of this program.
fn is_filtered(program: &str) -> Result<bool> {
    let output = Command::new("bpftool")
        .args(["net", "show", "dev", "lo"])
        .output()
        .context("run bpftool")?;
    ensure!(output.status.success(), "bpftool net show failed");
    Ok(String::from_utf8_lossy(&output.stdout).contains(program))
}

/// Filters of clsact hang on no descriptor of the process.
#[test]
fn a_killed_tool_leaves_no_filter() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "places.bpf.o", &object("places")?)?;
    let until = |wanted: bool| -> Result<()> {
        for _ in 0..600 {
            if is_filtered("on_packet")? == wanted {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("waited in vain for a filter to be there: {wanted}")
    };
    // Killed, and then asked to end.
    for signal in ["KILL", "INT"] {
        let mut tool = ecli()?
            .args(["run", "--attach", "on_packet=tc:lo:egress:priority=77"])
            .arg(&path)
            .stdout(Stdio::null())
            .spawn()?;
        let attached = until(true);
        let kill = Command::new("kill")
            .args(["-s", signal, &tool.id().to_string()])
            .status()?;
        ensure!(kill.success(), "kill -s {signal} failed");
        tool.wait()?;
        attached.and(until(false))?;
    }
    Ok(())
}
