//! Bytecode images of bpfman.

use anyhow::{Result, ensure};
use eunomia_tests::is_root;
use serde_json::{Value, json};

use super::forms::{Part, gzip, layout, tar};
use super::running::{object, refused, run, run_with, xdp_of_loopback};

/// A container image with these labels and one layer.
pub(crate) fn image(
    root: &std::path::Path,
    labels: &Value,
    media_type: &str,
    layer: &[u8],
) -> Result<()> {
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": { "Labels": labels },
        "rootfs": { "type": "layers", "diff_ids": [
            format!("sha256:{}", "0".repeat(64)) ] },
    });
    let config = serde_json::to_vec(&config)?;
    let config = Part {
        media_type: "application/vnd.oci.image.config.v1+json",
        title: None,
        content: &config,
    };
    let layer = Part {
        media_type,
        title: None,
        content: layer,
    };
    layout(root, &config, &[layer], None)
}

pub(crate) const OCI: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

#[test]
fn attach_points_and_globals_come_from_the_command_line() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _taken = xdp_of_loopback();
    let folder = tempfile::tempdir()?;
    let labels = json!({
        "io.ebpf.programs": r#"{"pass":"xdp"}"#,
        "io.ebpf.maps": r#"{"packets":"perf_event_array","seen":"per_cpu_array"}"#,
    });
    let layer = gzip(&tar(&[("packets.bpf.o", &object("packets")?)])?)?;
    image(folder.path(), &labels, OCI, &layer)?;
    let path = folder.path().to_str().unwrap_or_default();
    let said = refused(&[path])?;
    ensure!(said.contains("xdp:INTERFACE"), "{said}");
    let args = [
        path,
        "--interface",
        "lo",
        "--mode",
        "generic",
        "-g",
        "mark=63000000",
    ];
    let enough = |run: &super::running::Run| run.rows.iter().any(|row| row["bytes"] == 142);
    let run = run_with(&args, None, enough, || {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
        socket.send_to(&[7; 100], socket.local_addr()?)?;
        Ok(None)
    })?;
    ensure!(
        run.rows.iter().any(|row| row["mark"] == 0x63),
        "{:?}",
        run.rows
    );
    Ok(())
}

#[test]
fn older_labels_and_layers_that_are_an_object_run() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let labels = json!({
        "io.ebpf.program_name": "execs", "io.ebpf.bpf_function_name": "handle_exec",
        "io.ebpf.program_type": "tracepoint", "io.ebpf.filename": "execs.bpf.o",
    });
    let object = object("execs")?;
    let layers = [
        (
            DOCKER,
            gzip(&tar(&[("execs.bpf.o", &object), ("other.o", b"?")])?)?,
        ),
        (OCI, gzip(&object)?),
    ];
    for (media_type, layer) in layers {
        let folder = tempfile::tempdir()?;
        image(folder.path(), &labels, media_type, &layer)?;
        let path = folder.path().to_str().unwrap_or_default();
        let run = run(&[path], None, |run| !run.own_rows().is_empty())?;
        ensure!(run.own_rows().iter().all(|row| row["comm"] == "true"));
    }
    Ok(())
}

#[test]
fn labels_that_do_not_fit_the_object_are_refused() -> Result<()> {
    for (labels, reason) in [
        (
            json!({ "io.ebpf.programs": r#"{"nope":"xdp"}"# }),
            "no program `nope`",
        ),
        (json!({ "io.ebpf.programs": "[" }), "label io.ebpf.programs"),
        (
            json!({ "io.ebpf.filename": "gone.o" }),
            "there is no gone.o",
        ),
    ] {
        let folder = tempfile::tempdir()?;
        let layer = gzip(&tar(&[("execs.bpf.o", &object("execs")?)])?)?;
        image(folder.path(), &labels, OCI, &layer)?;
        let said = refused(&[folder.path().to_str().unwrap_or_default()])?;
        ensure!(said.contains(reason), "{reason}: {said}");
    }
    Ok(())
}
