//! Programs that take the place of functions: of other programs, and of the kernel (`struct_ops`).
//! Not every kernel allows them; then the error has to say so.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use eunomia_host_abi::kernel::{MapSetting, Object, ProgramSetting, RunInput};
use eunomia_host_abi::{Error, ErrorKind};
use real_kernel::{load_opened, open, proof};

/// The object with some of its programs, and its `struct_ops` map if that is wanted.
fn prepare(programs: &[&str], struct_ops: bool) -> Box<dyn Object> {
    let mut object = open("replacements");
    for info in object.programs() {
        let wanted = programs.contains(&info.name.as_str());
        object
            .set_program(&info.name, ProgramSetting::Autoload(wanted))
            .unwrap();
    }
    object
        .set_map("congestion", MapSetting::Autocreate(struct_ops))
        .unwrap();
    object
}

fn run_original(object: &dyn Object) -> u32 {
    let input = RunInput {
        data: vec![0; 64],
        ..RunInput::default()
    };
    object.test_run("original", &input).unwrap().return_value
}

fn assert_explained(attach_type: &str, error: &Error) {
    println!("{}", error.text());
    proof::lacking(attach_type, error);
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{}", error.text());
    assert!(error.text().contains("kernel"), "{}", error.text());
}

#[test]
fn a_function_of_another_program_is_replaced_while_attached() {
    let mut original = prepare(&["original"], false);
    load_opened(&mut *original);
    assert_eq!(run_original(&*original), 1);
    let programs = original.programs();
    let id = programs.iter().find(|p| p.name == "original").unwrap().id;
    let mut object = prepare(&["replacement"], false);
    let error = object
        .set_program("replacement", ProgramSetting::AttachTarget("4000000000:f"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.text());
    object
        .set_program(
            "replacement",
            ProgramSetting::AttachTarget(&format!("{id}:replaceable")),
        )
        .unwrap();
    if let Err(error) = object.load() {
        assert_explained("freplace", &error);
        return;
    }
    let target = format!("program_function:{id}:replaceable");
    match object.attach("replacement", Some(&target.parse().unwrap())) {
        Ok(link) => {
            assert_eq!(run_original(&*original), 42);
            drop(link);
            assert_eq!(run_original(&*original), 1);
            proof::proven("freplace");
        }
        Err(error) => assert_explained("freplace", &error),
    }
}

#[test]
fn a_congestion_control_is_registered_while_attached() {
    let programs = ["slow_start_threshold", "avoid_congestion", "undo_window"];
    let mut object = prepare(&programs, true);
    if let Err(error) = object.load() {
        assert_explained("struct_ops", &error);
        return;
    }
    let available = || {
        std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control")
            .unwrap()
            .contains("ecli_test")
    };
    assert!(!available());
    let link = match object.attach_struct_ops("congestion") {
        Ok(link) => link,
        Err(error) => return assert_explained("struct_ops", &error),
    };
    assert_eq!(link.info().name, "congestion");
    // A link, where the kernel has some for it: without one it would stay after kill -9.
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map(|part| part.parse::<u32>());
    let mut number = || numbers.next().unwrap().unwrap();
    let release = (number(), number());
    assert_eq!(
        !link.info().ids.is_empty(),
        release >= (6, 4),
        "{:?}",
        link.info()
    );
    assert!(available());
    drop(link);
    assert!(!available());
    proof::proven("struct_ops");
    let error = object.attach_struct_ops(".bss").unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::InvalidArgument
    ));
}
