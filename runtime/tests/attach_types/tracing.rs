//! Kernel functions, LSM hooks, and programs that run on request.

use std::fs;
use std::io;
use std::path::PathBuf;

use eunomia_host_abi::Target;
use eunomia_host_abi::kernel::RunInput;

use super::real_kernel::{global_u64, proof};
use super::{alone, attach, attached, counts, denies, explained, load};

const OBJECT: &str = "attach_tracing";

/// Asks for a file to be deleted that is not there.
fn unlink_nothing() {
    fs::remove_file("/tmp/ecli-there-is-no-such-file").unwrap_err();
}

fn count_unlinks(attach_type: &str, program: &str, target: &str) {
    let _alone = alone();
    if let Some((object, link)) = attached(attach_type, (OBJECT, program), target) {
        counts(attach_type, &*object, link, unlink_nothing);
    }
}

#[test]
fn kprobe() {
    count_unlinks("kprobe", "on_kprobe", "");
    count_unlinks("kprobe", "on_kprobe", "kprobe:do_unlinkat");
}

#[test]
fn kprobe_brings_its_cookie() {
    let _alone = alone();
    let Ok(object) = load(OBJECT, &["on_kprobe"]) else {
        return explain_kprobe();
    };
    let target = Target::Kprobe {
        symbol: "do_unlinkat".to_owned(),
        offset: 0,
        cookie: 4711,
    };
    match object.attach("on_kprobe", Some(&target)) {
        Ok(link) => {
            unlink_nothing();
            assert_eq!(global_u64(&*object, "cookie"), 4711);
            drop(link);
        }
        Err(error) => explained("kprobe", &error),
    }
}

fn explain_kprobe() {
    let error = load(OBJECT, &["on_kprobe"]).unwrap_err();
    explained("kprobe", &error);
}

#[test]
fn kretprobe() {
    count_unlinks("kretprobe", "on_kretprobe", "");
    sees_the_result("on_kretprobe");
}

/// What the function returned: -ENOENT.
fn sees_the_result(program: &str) {
    let _alone = alone();
    let Ok(object) = load(OBJECT, &[program]) else {
        return; // Said by the test of the kind itself.
    };
    if let Ok(link) = attach(&*object, program, "") {
        unlink_nothing();
        assert_eq!(global_u64(&*object, "returned").cast_signed(), -2);
        drop(link);
    }
}

#[test]
fn kprobe_multi() {
    count_unlinks("kprobe.multi", "on_kprobe_multi", "");
    count_unlinks(
        "kprobe.multi",
        "on_kprobe_multi",
        "kprobe_multi:do_unlinkat,do_rmdir",
    );
}

#[test]
fn kretprobe_multi() {
    count_unlinks("kretprobe.multi", "on_kretprobe_multi", "");
}

#[test]
fn ksyscall() {
    count_unlinks("ksyscall", "on_ksyscall", "");
    count_unlinks("ksyscall", "on_ksyscall", "ksyscall:unlink");
}

#[test]
fn kretsyscall() {
    count_unlinks("kretsyscall", "on_kretsyscall", "");
}

#[test]
fn fentry() {
    count_unlinks("fentry", "on_fentry", "");
    count_unlinks("fentry", "on_fentry", "trace");
}

#[test]
fn fexit() {
    count_unlinks("fexit", "on_fexit", "");
    sees_the_result("on_fexit");
}

/// A file that can be made and deleted again and again.
fn unlink_something() -> io::Result<()> {
    let path = PathBuf::from(format!("/tmp/ecli-attach-types-{}", std::process::id()));
    fs::write(&path, "")?;
    fs::remove_file(&path)
}

fn deny_unlink(attach_type: &str, program: &str) {
    let _alone = alone();
    if let Some((mut object, link)) = attached(attach_type, (OBJECT, program), "") {
        denies(attach_type, &mut *object, link, unlink_something);
    }
}

#[test]
fn fmod_ret_denies() {
    deny_unlink("fmod_ret", "on_fmod_ret");
}

#[test]
fn lsm_denies() {
    deny_unlink("lsm", "on_lsm");
}

#[test]
fn a_syscall_program_runs_on_request() {
    let object = load(OBJECT, &["on_request"]).unwrap();
    let input = RunInput {
        context: [41_u64, 0].map(u64::to_ne_bytes).concat(),
        ..RunInput::default()
    };
    let output = object.test_run("on_request", &input).unwrap();
    assert_eq!(output.return_value, 7);
    assert_eq!(output.context[8..], 42_u64.to_ne_bytes());
    proof::proven("syscall");
}
