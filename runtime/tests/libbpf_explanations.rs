//! What is said when the machine or its operator does not allow something.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use eunomia_host_abi::kernel::{Kernel as _, Object, ProgramSetting};
use eunomia_host_abi::{ErrorKind, Result};
use real_kernel::{compile, kernel};
use rustix::thread::CapabilitySet;

fn load_one(name: &str, program: &str) -> Result<Box<dyn Object>> {
    let mut object = kernel().open_object(name, &compile(name))?;
    for info in object.programs() {
        object.set_program(&info.name, ProgramSetting::Autoload(info.name == program))?;
    }
    object.load()?;
    Ok(object)
}

#[test]
fn without_capabilities_the_error_says_which_are_needed() {
    // Compiled before the capabilities are gone.
    compile("maps");
    kernel();
    // Capabilities belong to a thread.
    let error = std::thread::spawn(|| {
        let mut sets = rustix::thread::capabilities(None).unwrap();
        sets.effective
            .remove(CapabilitySet::BPF | CapabilitySet::PERFMON | CapabilitySet::SYS_ADMIN);
        rustix::thread::set_capabilities(None, sets).unwrap();
        load_one("maps", "bump").unwrap_err()
    })
    .join()
    .unwrap();
    assert_eq!(
        error.kind(),
        ErrorKind::PermissionDenied,
        "{}",
        error.text()
    );
    assert!(error.text().contains("CAP_BPF"), "{}", error.text());
}

#[test]
fn kernel_probes_are_attached_or_explained() {
    for program in [
        "on_kprobe",
        "on_kprobes",
        "on_ksyscall",
        "on_fentry",
        "on_lsm",
    ] {
        let outcome = load_one("kernel_probes", program)
            .and_then(|object| object.attach(program, None).map(drop));
        if let Err(error) = outcome {
            let text = error.text();
            println!("{text}");
            assert_eq!(error.kind(), ErrorKind::NotSupported, "{program}: {text}");
            assert!(text.contains("kernel"), "{program}: {text}");
        }
    }
}

#[test]
fn a_type_of_program_that_the_kernel_lacks_is_named() {
    // Remote controls: kernels of virtual machines have none.
    match load_one("kernel_probes", "on_lirc") {
        Ok(_) => {}
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotSupported, "{}", error.text());
            assert!(error.text().contains("type lirc_mode2"), "{}", error.text());
        }
    }
}

#[test]
fn a_btf_file_that_is_missing_is_named() {
    let options = eunomia_runtime::libbpf::Options {
        btf_path: Some("/nonexistent/vmlinux.btf".into()),
        ..Default::default()
    };
    let kernel = eunomia_runtime::libbpf::LibbpfKernel::with_options(options);
    let error = kernel
        .open_object("rejected", &compile("rejected"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.text());
    assert!(
        error.text().contains("/nonexistent/vmlinux.btf"),
        "{}",
        error.text()
    );
}
