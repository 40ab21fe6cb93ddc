//! Objects: global variables, loading, being refused.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use eunomia_host_abi::ErrorKind;
use eunomia_host_abi::kernel::{Kernel as _, Object, ProgramSetting, RunInput};
use eunomia_runtime::libbpf::VerifierLog;
use real_kernel::{call, compile, global_u64, kernel, load_opened, open};

fn globals() -> Box<dyn Object> {
    let mut object = open("maps");
    for info in object.programs() {
        object
            .set_program(&info.name, ProgramSetting::Autoload(info.name == "bump"))
            .unwrap();
    }
    object
}

#[test]
fn globals_are_set_before_load() {
    let mut object = globals();
    assert_eq!(object.get_global("limit").unwrap(), 7u32.to_ne_bytes());
    object.set_global("limit", &9u32.to_ne_bytes()).unwrap();
    object.set_global("counter", &100u64.to_ne_bytes()).unwrap();
    object.set_global("zeroed", &1u64.to_ne_bytes()).unwrap();
    object
        .set_global("in_own_section", &50u32.to_ne_bytes())
        .unwrap();
    assert_eq!(object.get_global("limit").unwrap(), 9u32.to_ne_bytes());
    load_opened(&mut *object);
    assert_eq!(call(&*object, "bump", &[]), 9);
    assert_eq!(global_u64(&*object, "counter"), 109);
    // configured.second and the static `hidden`.
    assert_eq!(global_u64(&*object, "zeroed"), 1 + 2 + 9);
    assert_eq!(
        object.get_global("in_own_section").unwrap(),
        51u32.to_ne_bytes()
    );
}

#[test]
fn globals_change_after_load_but_for_constants() {
    let mut object = globals();
    load_opened(&mut *object);
    object.set_global("counter", &5u64.to_ne_bytes()).unwrap();
    call(&*object, "bump", &[]);
    assert_eq!(global_u64(&*object, "counter"), 12);
    assert_eq!(object.get_global("limit").unwrap(), 7u32.to_ne_bytes());
    let error = object.set_global("limit", &1u32.to_ne_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);
    // Exactly its own bytes are written.
    object.set_global("neighbours", &[9, 8, 7, 6]).unwrap();
    call(&*object, "bump", &[]);
    assert_eq!(object.get_global("neighbours").unwrap(), [9, 9, 7, 6]);
    assert_eq!(global_u64(&*object, "counter"), 19);
}

#[test]
fn globals_have_one_size_and_a_place() {
    let mut object = globals();
    for bytes in [0, 3, 5] {
        let error = object.set_global("limit", &vec![0; bytes]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    for name in ["nonesuch", "", "hidden", "bump"] {
        let error = object.get_global(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}");
    }
    let all = object.globals();
    let find = |name: &str| all.iter().find(|global| global.name == name).unwrap();
    assert_eq!(find("limit").section, ".rodata");
    assert!(find("limit").constant && !find("counter").constant);
    assert_eq!(find("zeroed").section, ".bss");
    assert_eq!(find("in_own_section").section, ".data.config");
    load_opened(&mut *object);
    let counter = find("counter");
    let data = object.map(&counter.section).unwrap();
    let bytes = data.read_memory(counter.offset.into(), 8).unwrap();
    assert_eq!(bytes, 40u64.to_ne_bytes());
    let btf = eunomia_btf::Btf::parse(&object.btf().unwrap()).unwrap();
    let ty = btf
        .get(eunomia_btf::TypeId(find("configured").type_id))
        .unwrap();
    assert!(ty.to_string().contains("const"), "{ty}");
}

#[test]
fn a_refused_program_is_explained_by_the_verifiers_words() {
    let mut object = open("rejected");
    object
        .set_program("no_such_field", ProgramSetting::Autoload(false))
        .unwrap();
    let error = object.load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(error.errno(), 13);
    let text = error.text();
    assert!(
        text.contains("`rejected`") && text.contains("`out_of_bounds`"),
        "{text}"
    );
    assert!(text.contains("invalid access to map value"), "{text}");
    let source = std::error::Error::source(&error).unwrap();
    let log = source.downcast_ref::<VerifierLog>().unwrap();
    assert_eq!(log.program, "out_of_bounds");
    assert!(log.text.contains("0: R1=ctx"), "{}", log.text);
    // Nothing works any more, and nothing panics.
    assert_eq!(object.load().unwrap_err().kind(), ErrorKind::InvalidState);
    assert!(object.map(".bss").is_err());
    assert!(object.attach("good", None).is_err());
    assert!(object.get_global("table").is_err());
}

#[test]
fn a_field_that_the_kernel_lacks_is_not_supported() {
    let mut object = open("rejected");
    object
        .set_program("out_of_bounds", ProgramSetting::Autoload(false))
        .unwrap();
    let error = object.load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{}", error.text());
    assert!(error.text().contains("no_such_field"), "{}", error.text());
}

#[test]
fn programs_that_are_switched_off_are_not_loaded() {
    let mut object = open("rejected");
    for program in ["out_of_bounds", "no_such_field"] {
        object
            .set_program(program, ProgramSetting::Autoload(false))
            .unwrap();
    }
    load_opened(&mut *object);
    let programs = object.programs();
    assert!(
        programs
            .iter()
            .all(|program| (program.id > 0) == program.autoload)
    );
    let error = object.attach("out_of_bounds", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);
    let error = object
        .set_program("good", ProgramSetting::Autoload(false))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);
    // This may change at any time.
    object
        .set_program("good", ProgramSetting::Autoattach(false))
        .unwrap();
    assert!(
        !object
            .programs()
            .iter()
            .find(|p| p.name == "good")
            .unwrap()
            .autoattach
    );
}

#[test]
fn files_that_are_no_bpf_objects_are_refused() {
    let elf = compile("rejected");
    let refuse = |bytes: &[u8]| {
        let error = kernel().open_object("odd", bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{}", error.text());
    };
    refuse(b"");
    refuse(b"\0asm\x01\0\0\0");
    refuse(&std::fs::read("/proc/self/exe").unwrap());
    let mut other_order = elf.clone();
    other_order[5] = 2;
    refuse(&other_order);
    for length in [16, 64, 100, elf.len() / 2, elf.len() - 1] {
        refuse(&elf[..length]);
    }
}

#[test]
fn damaged_objects_never_crash_the_host() {
    let elf = compile("maps");
    // A small generator of numbers: the same damage in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    for _ in 0..400 {
        let mut damaged = elf.clone();
        for _ in 0..1 + next(8) {
            let place = next(damaged.len());
            damaged[place] = next(256) as u8;
        }
        // Opened or refused; both are fine.
        if let Ok(object) = kernel().open_object("damaged", &damaged) {
            for global in object.globals() {
                let _ = object.get_global(&global.name);
            }
            let _ = (object.programs(), object.maps(), object.btf());
        }
    }
}

#[test]
fn a_program_runs_on_the_input_it_is_given() {
    let mut object = globals();
    load_opened(&mut *object);
    let input = RunInput {
        context: vec![1, 2, 3],
        ..RunInput::default()
    };
    let output = object.test_run("bump", &input).unwrap();
    assert_eq!((output.return_value, output.context), (7, vec![1, 2, 3]));
    let error = object.test_run("nonesuch", &input).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    object.statistics("bump").unwrap();
}

#[test]
fn the_kernel_tells_what_it_is() {
    let (major, ..) = kernel().version();
    assert!(major >= 5);
    let epoch = kernel().monotonic_epoch();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert!(epoch < now && epoch <= now);
    assert!(kernel().boot_epoch() <= epoch + std::time::Duration::from_secs(1));
    let address = kernel().symbol_address("schedule").unwrap().unwrap();
    let symbols = kernel().resolve_symbols(&[address + 2]).unwrap();
    let symbol = symbols[0].as_ref().unwrap();
    assert_eq!((symbol.name.as_str(), symbol.offset), ("schedule", 2));
    assert_eq!(kernel().symbol_address("no such symbol").unwrap(), None);
}

#[test]
fn nothing_is_left_when_an_object_is_dropped() {
    let mut object = kernel()
        .open_object("leaves", &compile("rejected"))
        .unwrap();
    for program in ["out_of_bounds", "no_such_field"] {
        object
            .set_program(program, ProgramSetting::Autoload(false))
            .unwrap();
    }
    load_opened(&mut *object);
    let id = object
        .programs()
        .iter()
        .find(|p| p.name == "good")
        .unwrap()
        .id;
    let maps: Vec<_> = object.maps().into_iter().map(|map| map.id).collect();
    let exists = |id: u32| libbpf_rs::query::ProgInfoIter::default().any(|p| p.id == id);
    assert!(exists(id));
    let link = object.attach("good", Some(&"raw_tracepoint:sys_enter".parse().unwrap()));
    drop(object);
    // The link keeps the program.
    assert!(exists(id));
    drop(link);
    // The kernel frees programs in a while of its own.
    let begin = std::time::Instant::now();
    while exists(id) && begin.elapsed() < std::time::Duration::from_secs(5) {
        std::thread::yield_now();
    }
    assert!(!exists(id));
    while libbpf_rs::query::MapInfoIter::default().any(|map| maps.contains(&map.id)) {
        assert!(
            begin.elapsed() < std::time::Duration::from_secs(5),
            "maps are left"
        );
        std::thread::yield_now();
    }
}

#[test]
#[ignore = "scripts/vm asks for it, which takes them to a machine without a compiler"]
fn every_object_is_compiled_for_another_machine() {
    real_kernel::compile_all();
}
