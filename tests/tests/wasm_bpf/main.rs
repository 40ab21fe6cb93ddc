//! Guests of the older ABI `wasm_bpf`, as their users have them: core modules and their images, run
//! by `ecli run` on the real kernel.

mod guests;
mod lsm;
mod published;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use eunomia_host_abi::fake::FakeKernel;
use eunomia_runtime::policy::Policy;
use eunomia_runtime::{HostError, HostErrorKind, Outcome, Runtime, Settings, Tool, World};
use eunomia_tests::{Ended, Printed, Running, ecli, is_root};

use guests::{Built, Guest};

const BOOTSTRAP: Guest = Guest::new("bootstrap", "bootstrap");
const ENDS: Guest = Guest::new("ends", "bootstrap");

/// These tests look at what the whole machine does: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn args(built: &Built, args: &[&str]) -> Vec<String> {
    let module = built.module.display().to_string();
    std::iter::once(module)
        .chain(args.iter().map(|arg| (*arg).to_owned()))
        .collect()
}

const BURST: usize = 20_000;

#[test]
fn every_exec_and_exit_of_a_burst_is_reported_once() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("old-burst");
    std::fs::copy("/bin/true", &program)?;
    let guest = BOOTSTRAP.build()?;
    let mut tool = Running::start(args(&guest, &["old-burst"]))?;
    let attached = tool.expect(|line| line.starts_with("attached"))?;
    // argv[0] is the module's name.
    ensure!(attached == "attached as bootstrap", "{attached}");
    let reader = std::thread::spawn(move || -> Result<(Running, BTreeMap<String, usize>)> {
        let mut seen = BTreeMap::new();
        let mut exits = 0;
        while exits < BURST {
            let line = tool.line()?.context("the output ended")?;
            exits += usize::from(line.starts_with("EXIT"));
            *seen.entry(line).or_default() += 1;
        }
        Ok((tool, seen))
    });
    let mut expected = BTreeMap::new();
    for _ in 0..BURST {
        let mut child = Command::new(&program).spawn()?;
        for event in ["EXEC", "EXIT"] {
            *expected
                .entry(format!("{event} {} old-burst", child.id()))
                .or_default() += 1;
        }
        child.wait()?;
    }
    let (tool, seen) = reader.join().expect("the reader does not panic")?;
    tool.signal("INT")?;
    let Ended {
        code,
        printed: rest,
        said,
    } = tool.end()?;
    ensure!(seen == expected, "events are missing, or there twice");
    ensure!(code == 0 && rest == "left\n", "{code}: {rest}{said}");
    Ok(())
}

#[test]
fn a_perf_event_array_is_polled_and_a_guest_that_never_stops_is_ended() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let guest = Guest::new("opensnoop", "opensnoop").build()?;
    let me = std::process::id().to_string();
    let mut tool = Running::start(args(&guest, &[&me]))?;
    tool.expect(|line| line == "attached")?;
    for number in 0..100 {
        let _ = std::fs::File::open(format!("/nonexistent/{number}"));
    }
    for number in 0..100 {
        // The pid was put into the ELF by the guest.
        let wanted = format!("OPEN {me} /nonexistent/{number}");
        tool.expect(|line| line == wanted)?;
    }
    tool.stop().map(drop)
}

#[test]
fn a_hash_map_of_histograms_is_walked_and_a_sleep_is_cut_short() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let guest = Guest::new("runqlat", "runqlat").build()?;
    let mut tool = Running::start(args(&guest, &[]))?;
    for _ in 0..2 {
        tool.expect(|line| line.starts_with("cpu ") && line.ends_with("switches"))?;
        tool.expect(|line| line == "hists some")?;
    }
    tool.signal("TERM")?;
    let Ended { code, said, .. } = tool.end()?;
    ensure!(code == 0, "{code}: {said}");
    Ok(())
}

#[test]
fn cgroups_and_interfaces_are_targets() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let interface = Interface::new("oldwasm0")?;
    let guest = Guest::new("network", "network").build()?;
    // Wherever cgroup2 is mounted.
    let mut tool = Running::start(args(&guest, &["/sys/fs/cgroup/", interface.0]))?;
    tool.expect(|line| line == "socket filter without a target: 1")?;
    tool.expect(|line| line == "descriptor: -9")?;
    tool.expect(|line| line == "no interface: 1")?;
    tool.expect(|line| line == "attached")?;
    ensure!(interface.shows_xdp()?, "no XDP program on the interface");
    tool.tell("close")?;
    tool.expect(|line| line == "closed: 0")?;
    tool.expect(|line| line == "again: -1")?;
    ensure!(!interface.shows_xdp()?, "close has not detached");
    let Ended { code, said, .. } = tool.end()?;
    ensure!(code == 0, "{code}: {said}");
    ensure!(said.contains("no-such-if"), "{said}");
    Ok(())
}

/// An interface of the test's own. Not every kernel has dummy ones.
struct Interface(&'static str);

impl Interface {
    fn new(name: &'static str) -> Result<Self> {
        let _ = Command::new("ip").args(["link", "del", name]).output(); // Left by another run.
        let made = Command::new("ip")
            .args(["link", "add", name, "type", "veth"])
            .output()?;
        ensure!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        Ok(Self(name))
    }

    fn shows_xdp(&self) -> Result<bool> {
        let shown = Command::new("ip").args(["link", "show", self.0]).output()?;
        Ok(String::from_utf8_lossy(&shown.stdout).contains("prog/xdp"))
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["link", "del", self.0]).output();
    }
}

const MAPS_EXPECTED: &str = include_str!("../../wasm-bpf/maps.expected.txt");

#[test]
fn map_operations_and_hostile_calls_give_numbers() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    for defines in [&[][..], &["-DWIDE_POINTERS"]] {
        let guest = Guest {
            defines,
            ..Guest::new("maps", "maps")
        }
        .build()?;
        let tool = Running::start(args(&guest, &[]))?;
        let Ended {
            code,
            printed,
            said,
        } = tool.end()?;
        ensure!(code == 0, "{code}: {printed}{said}");
        let cpus = format!("cpus {}\n", possible_cpus()?);
        ensure!(
            printed == MAPS_EXPECTED.replace("cpus N\n", &cpus),
            "{defines:?}:\n{printed}"
        );
    }
    Ok(())
}

#[test]
fn the_fake_kernel_gives_the_same_numbers() -> Result<()> {
    let tool = Tool {
        name: "maps".into(),
        objects: Vec::new(),
        component: std::fs::read(Guest::new("maps", "maps").build()?.module)?.into(),
    };
    let kernel = Arc::new(FakeKernel::new());
    let runtime = Runtime::builder().kernel(kernel).build()?;
    let printed = Printed::default();
    let running = runtime.open(tool)?.load()?.run(Settings {
        stdio: printed.stdio(),
        ..Settings::default()
    })?;
    let outcome = running.wait().outcome;
    let printed = printed.text();
    ensure!(
        matches!(outcome, Outcome::Exited(0)),
        "{outcome:?}: {printed}"
    );
    let expected = MAPS_EXPECTED.replace("cpus N\n", "cpus 2\n");
    ensure!(printed == expected, "{printed}");
    Ok(())
}

fn possible_cpus() -> Result<usize> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible")?;
    let last = text.trim().rsplit(['-', ',']).next();
    Ok(last.context("no CPU")?.parse::<usize>()? + 1)
}

/// What the guest `buffers` prints, `ready` lines left out, up to what its last callback does.
const BUFFERS_EXPECTED: &str = include_str!("../../wasm-bpf/buffers.expected.txt");

#[test]
fn callbacks_may_do_anything() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let guest = Guest::new("buffers", "maps").build()?;
    let file = tempfile::tempfile()?;
    for (end, expected_code, last, error) in [
        (
            "close",
            0,
            "first 9 of 8\nclose in callback: 0\nclose: 0\nclosed: -9\n",
            "",
        ),
        ("exit", 42, "", ""),
        ("trap", 1, "", "unreachable"),
    ] {
        let mut tool = Running::start(args(&guest, &[end]))?;
        let mut printed = String::new();
        while !printed.contains("ready end") {
            let line = tool.line()?.context("the output ended")?;
            printed += &format!("{line}\n");
            if line.starts_with("ready") {
                std::os::unix::fs::fchown(&file, Some(424_242), None)?;
                tool.tell("go")?;
            }
        }
        let Ended {
            code,
            printed: rest,
            said,
        } = tool.end()?;
        let printed: String = printed
            .lines()
            .filter(|line| !line.starts_with("ready"))
            .map(|line| format!("{line}\n"))
            .collect();
        ensure!(printed == BUFFERS_EXPECTED, "{printed}{said}");
        ensure!(
            code == expected_code && rest == last && said.contains(error),
            "{end}: {code}: {rest}{said}"
        );
    }
    Ok(())
}

#[test]
fn guests_written_in_go_export_their_callback() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let named: &[&str] = &["-DWRAPPER=\"wrapper\"", "-DCALLBACK=\"take\""];
    for (defines, options) in [
        (&[][..], &[][..]),
        (
            named,
            &["--wrapper-module", "wrapper", "--callback-export", "take"],
        ),
    ] {
        let guest = Guest {
            defines,
            ..Guest::new("go", "bootstrap")
        }
        .build()?;
        let module = args(&guest, &[]);
        let options = options.iter().map(|option| (*option).to_owned());
        let mut tool = Running::start(options.chain(module))?;
        tool.expect(|line| line == "attached")?;
        let mut child = Command::new("/bin/true").spawn()?;
        let wanted = format!("EXEC {} true", child.id());
        child.wait()?;
        tool.expect(|line| line == wanted)?;
        tool.signal("INT")?;
        let Ended { code, said, .. } = tool.end()?;
        ensure!(code == 0, "{code}: {said}");
    }
    Ok(())
}

#[test]
fn wasi_gives_arguments_standard_streams_and_exit_codes() -> Result<()> {
    let guest = ENDS.build()?;
    let mut tool = Running::start(args(&guest, &["show", "-x", "ä b"]))?;
    tool.tell("one")?;
    let Ended {
        code,
        printed,
        said,
    } = tool.end()?;
    ensure!(
        printed
            == "argument 0: ends\nargument 1: show\nargument 2: -x\nargument 3: ä b\n\
                environment: 0\nfile: -1\nrandom: 1\nclock: 1\ntime: 1\nslept: 0\nline: one\n",
        "{printed}"
    );
    ensure!(code == 0 && said == "an error\n", "{code}: {said}");
    for (text, expected) in [("0", 0), ("3", 3), ("125", 125), ("130", 130), ("-1", 255)] {
        let Ended { code, said, .. } = Running::start(args(&guest, &[text]))?.end()?;
        ensure!(
            code == expected && said.is_empty(),
            "{text}: {code}: {said}"
        );
    }
    Ok(())
}

#[test]
fn an_image_of_one_layer_runs() -> Result<()> {
    let guest = ENDS.build()?;
    let layout = tempfile::tempdir()?;
    write_layout(layout.path(), &std::fs::read(&guest.module)?)?;
    let named = format!("{}:old", layout.path().display());
    let Ended { code, said, .. } = Running::start([&named, "7"])?.end()?;
    ensure!(code == 7, "{code}: {said}");
    let output = ecli()?.args(["inspect", &named]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    for word in [
        "wasm-bpf module",
        "wasi_snapshot_preview1.proc_exit",
        "_start",
    ] {
        ensure!(text.contains(word), "{text}");
    }
    Ok(())
}

/// The published form: a layer of the module under the config `{}`.
fn write_layout(folder: &std::path::Path, module: &[u8]) -> Result<()> {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs)?;
    let blob = |bytes: &[u8], media_type: &str| -> Result<serde_json::Value> {
        let digest = eunomia_image::Digest::of(bytes).to_string();
        let name = digest.trim_start_matches("sha256:");
        std::fs::write(blobs.join(name), bytes)?;
        Ok(serde_json::json!({
            "mediaType": media_type, "digest": digest, "size": bytes.len()
        }))
    };
    let config = blob(b"{}", "application/vnd.wasm.config.v1+json")?;
    let layer = blob(module, "application/vnd.wasm.content.layer.v1+wasm")?;
    let manifest = serde_json::to_vec(&serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    }))?;
    let mut manifest = blob(&manifest, "application/vnd.oci.image.manifest.v1+json")?;
    manifest["annotations"] = serde_json::json!({ "org.opencontainers.image.ref.name": "old" });
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [manifest] });
    std::fs::write(folder.join("index.json"), serde_json::to_vec(&index)?)?;
    std::fs::write(
        folder.join("oci-layout"),
        br#"{"imageLayoutVersion":"1.0.0"}"#,
    )?;
    Ok(())
}

/// Lets no guest bring its own objects.
#[derive(Debug)]
struct OnlyImages;

impl Policy for OnlyImages {
    fn open_from_memory(&self, guest: &str, _elf: &[u8]) -> Result<(), HostError> {
        Err(HostError::new(
            HostErrorKind::DeniedByPolicy,
            format!("open an object of `{guest}`"),
        ))
    }
}

#[test]
fn the_policy_is_asked_and_a_loop_is_ended() -> Result<()> {
    let runtime = Runtime::builder().build()?;
    let load = |guest: &Guest| -> Result<_> {
        let tool = Tool {
            name: "old".into(),
            objects: Vec::new(),
            component: std::fs::read(guest.build()?.module)?.into(),
        };
        Ok(runtime.open(tool)?.load()?)
    };
    let bootstrap = load(&BOOTSTRAP)?;
    ensure!(bootstrap.world() == World::Module);
    let running = bootstrap.run(Settings {
        policy: Arc::new(OnlyImages),
        ..Settings::default()
    })?;
    let outcome = running.wait().outcome;
    ensure!(matches!(outcome, Outcome::Exited(1)), "{outcome:?}");
    let mut settings = Settings {
        args: vec!["loop".into()],
        ..Settings::default()
    };
    settings.sandbox.cpu_burst_max = std::time::Duration::from_millis(100);
    let outcome = load(&ENDS)?.run(settings)?.wait().outcome;
    let Outcome::Failed(error) = outcome else {
        anyhow::bail!("{outcome:?}");
    };
    ensure!(
        error.kind() == eunomia_runtime::ErrorKind::LimitExceeded,
        "{error}"
    );
    Ok(())
}
