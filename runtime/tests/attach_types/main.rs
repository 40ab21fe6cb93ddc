//! Each kind of place that a program can be attached to: an event is seen or an effect (a call
//! denied, a packet dropped) while it is attached, and none after. What is proven where becomes
//! `docs/attach-types.md`; a kernel that lacks a kind has to say so.
//!
//! `libbpf_attach.rs` has the kinds that every kernel has, and the ways in which attaching fails.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod cgroup;
mod network;
mod pinned;
#[path = "../real_kernel/mod.rs"]
mod real_kernel;
mod tracing;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eunomia_host_abi::kernel::{Link, Object, ProgramSetting};
use eunomia_host_abi::{Error, ErrorKind, Result};

use real_kernel::{global_u64, open, proof};

/// How long the kernel may take to let go of a program: readers of its lists hold on to each.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tests whose programs see what the whole process does run one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Load one program of an object, or hear why this kernel does not take it.
fn load(object: &str, programs: &[&str]) -> Result<Box<dyn Object>> {
    let mut object = open(object);
    for info in object.programs() {
        let wanted = programs.contains(&info.name.as_str());
        object.set_program(&info.name, ProgramSetting::Autoload(wanted))?;
    }
    if object
        .globals()
        .iter()
        .any(|global| global.name == "own_pid")
    {
        object.set_global("own_pid", &std::process::id().to_ne_bytes())?;
    }
    object.load()?;
    Ok(object)
}

fn attach(object: &dyn Object, program: &str, target: &str) -> Result<Box<dyn Link>> {
    match target {
        "" => object.attach(program, None),
        target => object.attach(program, Some(&target.parse()?)),
    }
}

/// The program, attached; or nothing where this kernel lacks the kind and says so.
fn attached(
    attach_type: &str,
    (object, program): (&str, &str),
    target: &str,
) -> Option<(Box<dyn Object>, Box<dyn Link>)> {
    let outcome = load(object, &[program]).and_then(|object| {
        let link = attach(&*object, program, target)?;
        Ok((object, link))
    });
    match outcome {
        Ok(attached) => Some(attached),
        Err(error) => {
            explained(attach_type, &error);
            None
        }
    }
}

/// The error of a kernel that lacks something has to say so.
fn explained(attach_type: &str, error: &Error) {
    let text = error.text();
    assert_eq!(
        error.kind(),
        ErrorKind::NotSupported,
        "{attach_type}: {text}"
    );
    assert!(text.contains("kernel"), "{attach_type}: {text}");
    proof::lacking(attach_type, error);
}

fn hits(object: &dyn Object) -> u64 {
    global_u64(object, "hits")
}

fn set_deny(object: &mut dyn Object, deny: bool) {
    object.set_global("deny", &[u8::from(deny)]).unwrap();
}

/// `act` is counted as long as the link holds, and not after.
fn counts(attach_type: &str, object: &dyn Object, link: Box<dyn Link>, act: impl Fn()) {
    let before = hits(object);
    act();
    assert!(hits(object) > before, "{attach_type}: nothing is counted");
    drop(link);
    until(attach_type, "still attached", || {
        let detached = hits(object);
        act();
        hits(object) == detached
    });
    proof::proven(attach_type);
}

/// `act` works, is denied where the program denies, and works again when it is detached.
fn denies(
    attach_type: &str,
    object: &mut dyn Object,
    link: Box<dyn Link>,
    act: impl Fn() -> std::io::Result<()>,
) {
    let before = hits(object);
    act().unwrap_or_else(|error| panic!("{attach_type}: allowed, but {error}"));
    assert!(hits(object) > before, "{attach_type}: nothing is counted");
    set_deny(object, true);
    assert!(act().is_err(), "{attach_type}: denied, but it works");
    drop(link);
    until(attach_type, "still denied", || act().is_ok());
    proof::proven(attach_type);
}

fn until(attach_type: &str, what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "{attach_type}: {what}");
    }
}
