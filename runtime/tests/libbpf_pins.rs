//! What survives a run on purpose, and what does not.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eunomia_host_abi::kernel::{Kernel as _, Object, ProgramSetting};
use eunomia_host_abi::{ErrorKind, Result};
use eunomia_runtime::libbpf::pins::{self, Pins};
use eunomia_runtime::libbpf::{LibbpfKernel, Options};
use libbpf_rs::{MapCore as _, MapFlags, MapHandle};
use real_kernel::{compile, kernel};

/// A folder of a test's own, which is removed whatever comes.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        kernel(); // Says that it takes root.
        let folder = format!("/sys/fs/bpf/ecli-pins-{name}-{}", std::process::id());
        Self(folder.into())
    }

    fn pins(&self) -> Arc<Pins> {
        Arc::new(Pins::new(&self.0, "tool:latest").unwrap_or_else(|error| panic!("{error}")))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = pins::remove(&self.0); // The test may have done it.
    }
}

/// The object `attach` with these programs, loaded.
fn load(pins: &Arc<Pins>, programs: &[&str]) -> Result<Box<dyn Object>> {
    let kernel = LibbpfKernel::with_options(Options {
        pins: Some(Arc::clone(pins)),
        ..Options::default()
    });
    let mut object = kernel.open_object("attach.x", &compile("attach"))?;
    for info in object.programs() {
        let wanted = programs.contains(&info.name.as_str());
        object.set_program(&info.name, ProgramSetting::Autoload(wanted))?;
    }
    object.load()?;
    Ok(object)
}

/// How often the programs of a pinned object ran, all in all.
fn hits(folder: &Path) -> u64 {
    let map = MapHandle::from_pinned_path(folder.join("attach_x/maps/_bss")).unwrap();
    let section = map
        .lookup(&0_u32.to_ne_bytes(), MapFlags::ANY)
        .unwrap()
        .unwrap();
    // `hits` comes first.
    let words = section.chunks_exact(8).take(13);
    words
        .map(|word| u64::from_ne_bytes(word.try_into().unwrap()))
        .sum()
}

fn act() {
    // A system call that only tests make.
    let _ = rustix::process::getpgid(None);
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn programs_go_on_until_they_are_unpinned() {
    let folder = Folder::new("on");
    let pins = folder.pins();
    let object = load(&pins, &["on_tracepoint", "on_raw_tracepoint"]).unwrap();
    // One by a perf event, one by a link alone.
    let links =
        ["on_tracepoint", "on_raw_tracepoint"].map(|name| object.attach(name, None).unwrap());
    let ids: Vec<u32> = links.iter().flat_map(|link| link.info().ids).collect();
    drop(links);
    drop(object);
    let pinned = pins.finish(false).unwrap();
    assert_eq!((pinned.links, pinned.programs), (2, 2));
    assert!(pinned.maps >= 3, "{pinned:?}");
    assert_eq!(entries(&folder.0), ["attach_x", "image"]);
    let listed = pins::list().unwrap();
    assert!(listed.contains(&pinned), "{listed:?}");

    for program in ["on_tracepoint", "on_raw_tracepoint"] {
        assert!(folder.0.join("attach_x/links").join(program).exists());
    }
    let before = hits(&folder.0);
    act();
    assert!(hits(&folder.0) >= before + 2, "both are still attached");

    let error = Pins::new(&folder.0, "other").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.text().contains("tool:latest"), "{}", error.text());

    assert_eq!(pins::remove(&folder.0).unwrap(), pinned);
    assert!(!folder.0.exists());
    assert_eq!(
        pins::remove(&folder.0).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let begin = Instant::now();
    while ids.iter().any(|id| has_link(*id)) {
        assert!(begin.elapsed() < Duration::from_secs(10), "still attached");
    }
}

fn has_link(id: u32) -> bool {
    libbpf_rs::query::LinkInfoIter::default().any(|link| link.id == id)
}

#[test]
fn what_is_detached_on_purpose_is_not_pinned_any_more() {
    let folder = Folder::new("detached");
    let pins = folder.pins();
    let object = load(&pins, &["on_perf_event", "on_raw_tracepoint"]).unwrap();
    // One link for each CPU.
    let target = "perf_event:cpu-clock:hz=99".parse().unwrap();
    let mut detached = object.attach("on_perf_event", Some(&target)).unwrap();
    let left = object.attach("on_raw_tracepoint", None).unwrap();
    let links = folder.0.join("attach_x/links");
    let names = (1..=detached.info().ids.len()).map(|number| match number {
        1 => "on_perf_event".to_owned(),
        number => format!("on_perf_event_{number}"),
    });
    let mut names: Vec<String> = names.chain(["on_raw_tracepoint".to_owned()]).collect();
    names.sort();
    assert_eq!(entries(&links), names);
    detached.detach().unwrap();
    drop((detached, left));
    assert_eq!(entries(&links), ["on_raw_tracepoint"]);
    assert_eq!(pins.finish(false).unwrap().links, 1);
}

#[test]
fn a_tool_that_fails_for_want_of_something_leaves_nothing() {
    let folder = Folder::new("failed");
    let pins = folder.pins();
    let object = load(&pins, &["on_raw_tracepoint", "on_missing", "on_tc"]).unwrap();
    let link = object.attach("on_raw_tracepoint", None).unwrap();
    assert!(object.attach("on_missing", None).is_err());
    drop((link, object));
    // It may have gone on without.
    assert_eq!(pins.finish(false).unwrap().links, 1);
    assert_eq!(pins.finish(true), None);
    assert!(!folder.0.exists());
}

#[test]
fn what_ends_with_its_process_cannot_be_pinned() {
    let folder = Folder::new("unlinked");
    let pins = folder.pins();
    real_kernel::network::enter_new();
    let object = load(&pins, &["on_tc"]).unwrap();
    let target = "tc:lo:ingress:priority=1".parse().unwrap();
    let error = object.attach("on_tc", Some(&target)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(
        error.text().contains("ends with its process"),
        "{}",
        error.text()
    );
    assert_eq!(pins.finish(true), None);
    assert!(!folder.0.exists());
}

#[test]
fn a_folder_has_to_be_a_new_one_of_the_right_file_system() {
    let folder = Folder::new("taken");
    let kind = |path: &Path| Pins::new(path, "tool").unwrap_err().kind();
    assert_eq!(kind(Path::new("/tmp/pins")), ErrorKind::NotSupported);
    assert_eq!(
        kind(Path::new("/sys/fs/bpf/a.b")),
        ErrorKind::InvalidArgument
    );
    assert_eq!(kind(Path::new("/")), ErrorKind::InvalidArgument);
    let pins = folder.pins();
    // Somebody is faster.
    std::fs::create_dir(&folder.0).unwrap();
    assert_eq!(kind(&folder.0), ErrorKind::Busy);
    let error = load(&pins, &["on_raw_tracepoint"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}", error.text());
    assert_eq!(pins.finish(true), None);
    assert_eq!(
        pins::remove(&folder.0).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    std::fs::remove_dir(&folder.0).unwrap();
}
