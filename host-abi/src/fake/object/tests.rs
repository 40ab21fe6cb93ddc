//! Objects and links through the kernel's traits.

use std::io::Read;

use crate::fake::testing::{errno, kind, load, map_info, open};
use crate::fake::{
    Call, DeclaredMap, FakeGlobal, FakeKernel, FakeObject, FakeObjectBuilder, FakeProgram,
    Operation, SectionName,
};
use crate::kernel::{
    Kernel, Link, MapSetting, Object, ProgramSetting, ProgramStatistics, RunInput, RunOutput,
    map_type,
};
use crate::{Error, ErrorKind, Target};

fn program(name: &str, section: &str) -> FakeProgram {
    FakeProgram::new(name, SectionName(section))
}

fn with_program(section: &str) -> FakeObjectBuilder {
    FakeObject::builder().program(program("p", section))
}

fn with_globals() -> FakeObjectBuilder {
    FakeObject::builder()
        .global(FakeGlobal::constant("limit", &[7, 0, 0, 0]))
        .global(FakeGlobal::variable("level", &[1]))
        .global(FakeGlobal::zeroed("drops", 8))
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

fn texts(kernel: &FakeKernel) -> Vec<String> {
    kernel.calls().iter().map(Call::to_string).collect()
}

#[test]
fn an_object_that_is_not_registered_must_be_an_elf_file() {
    let opened = FakeKernel::new().open_object("object", b"no object");
    assert_eq!(kind(opened), ErrorKind::InvalidArgument);
}

#[test]
fn what_was_registered_is_opened_whatever_the_bytes_are() {
    let (_kernel, object) = open(with_program("kprobe/do_exit").btf([1, 2, 3]));
    let info = &object.programs()[0];
    assert_eq!(
        (info.name.as_str(), info.type_name.as_str()),
        ("p", "kprobe")
    );
    assert!(info.autoload && info.autoattach && info.id == 0);
    assert_eq!(*object.btf().unwrap(), [1, 2, 3]);
    let (_kernel, object) = open(FakeObject::builder());
    assert_eq!(kind(object.btf()), ErrorKind::NotFound);
}

#[test]
fn each_opened_object_has_maps_of_its_own() {
    let (kernel, first) = load(with_globals());
    let mut second = kernel.open_object("object", &[]).unwrap();
    second.load().unwrap();
    second.set_global("drops", &[9; 8]).unwrap();
    assert_eq!(first.get_global("drops").unwrap(), [0; 8]);
    assert_ne!(first.maps()[0].id, second.maps()[0].id);
    assert_eq!(kernel.global("drops").unwrap(), [9; 8]);
}

#[test]
fn globals_are_set_before_load_and_variables_after() {
    let (kernel, mut object) = open(with_globals());
    object.set_global("limit", &[8, 0, 0, 0]).unwrap();
    object.set_global("level", &[2]).unwrap();
    assert_eq!(object.get_global("limit").unwrap(), [8, 0, 0, 0]);
    object.load().unwrap();
    assert_eq!(object.get_global("limit").unwrap(), [8, 0, 0, 0]);
    object.set_global("level", &[3]).unwrap();
    assert_eq!(kernel.global("level").unwrap(), [3]);
    kernel.set_global("drops", &[5; 8]).unwrap();
    assert_eq!(object.get_global("drops").unwrap(), [5; 8]);
    let set = object.set_global("limit", &[9, 0, 0, 0]);
    assert_eq!(kind(set), ErrorKind::InvalidState);
    assert_eq!(
        kind(kernel.set_global("limit", &[9; 4])),
        ErrorKind::InvalidArgument
    );
    assert_eq!(object.get_global("limit").unwrap(), [8, 0, 0, 0]);
}

#[test]
fn globals_of_another_size_or_name_are_refused() {
    let (kernel, mut object) = load(with_globals());
    for value in [&[][..], &[0; 7], &[0; 9]] {
        let set = object.set_global("drops", value);
        assert_eq!(kind(set), ErrorKind::InvalidArgument);
        assert_eq!(
            kind(kernel.set_global("drops", value)),
            ErrorKind::InvalidArgument
        );
    }
    assert_eq!(kind(object.get_global("dropped")), ErrorKind::NotFound);
    assert_eq!(kind(object.set_global("dropped", &[])), ErrorKind::NotFound);
    assert_eq!(kind(kernel.global("dropped")), ErrorKind::NotFound);
}

#[test]
fn the_maps_of_global_data_are_memory_and_constants_are_frozen() {
    let (_kernel, object) = load(with_globals());
    let rodata = object.map(".rodata").unwrap();
    assert!(rodata.info().frozen);
    assert_eq!(rodata.read_memory(0, 4).unwrap(), [7, 0, 0, 0]);
    assert_eq!(errno(rodata.write_memory(0, &[1])), 1);
    let bss = object.map(".bss").unwrap();
    bss.write_memory(0, &[1; 8]).unwrap();
    assert_eq!(object.get_global("drops").unwrap(), [1; 8]);
    let infos = object.maps();
    let frozen: Vec<bool> = infos.iter().map(|map| map.frozen).collect();
    assert_eq!(frozen, [true, false, false]);
}

#[test]
fn nothing_is_used_before_load_and_nothing_changed_after() {
    let map = map_info("m", map_type::HASH, (4, 4, 4));
    let (_kernel, mut object) = open(with_program("xdp").map(map));
    assert_eq!(kind(object.map("m")), ErrorKind::InvalidState);
    let attached = object.attach("p", Some(&target("xdp:eth0")));
    assert_eq!(kind(attached), ErrorKind::InvalidState);
    assert_eq!(kind(object.statistics("p")), ErrorKind::InvalidState);
    let run = object.test_run("p", &RunInput::default());
    assert_eq!(kind(run), ErrorKind::InvalidState);
    object.load().unwrap();
    assert_eq!(kind(object.load()), ErrorKind::InvalidState);
    let set = object.set_map("m", MapSetting::MaxEntries(1));
    assert_eq!(kind(set), ErrorKind::InvalidState);
    let set = object.set_program("p", ProgramSetting::Autoload(false));
    assert_eq!(kind(set), ErrorKind::InvalidState);
    object
        .set_program("p", ProgramSetting::Autoattach(false))
        .unwrap();
    assert!(!object.programs()[0].autoattach);
}

#[test]
fn an_object_that_failed_to_load_is_useless() {
    let (kernel, mut object) = open(with_program("xdp"));
    let log = "R1 invalid mem access 'scalar'";
    kernel.fail_next(Operation::Load, Error::new(ErrorKind::Rejected, log));
    assert_eq!(object.load().unwrap_err().text(), log);
    assert_eq!(kind(object.load()), ErrorKind::InvalidState);
    let attached = object.attach("p", Some(&target("xdp:eth0")));
    assert_eq!(kind(attached), ErrorKind::InvalidState);
    assert_eq!(
        kind(object.set_map("m", MapSetting::MaxEntries(1))),
        ErrorKind::NotFound
    );
    assert_eq!(texts(&kernel)[..2], ["open object", "load object"]);
}

#[test]
fn a_map_that_the_kernel_would_refuse_fails_load() {
    let (_kernel, mut object) =
        open(FakeObject::builder().map(map_info("m", map_type::HASH, (4, 4, 0))));
    object.set_map("m", MapSetting::MaxEntries(4)).unwrap();
    object.load().unwrap();
    let (_kernel, mut object) =
        open(FakeObject::builder().map(map_info("m", map_type::HASH, (4, 4, 0))));
    assert_eq!(errno(object.load()), 22);
    let slots = map_info("m", map_type::HASH_OF_MAPS, (4, 4, 4));
    let (_kernel, mut object) = open(FakeObject::builder().map(slots));
    assert_eq!(errno(object.load()), 22);
}

#[test]
fn map_settings_change_what_is_created() {
    let (_kernel, mut object) = open(
        FakeObject::builder()
            .map(map_info("counts", map_type::HASH, (4, 4, 1)))
            .map(map_info("events", map_type::RINGBUF, (0, 0, 4096)))
            .map(map_info("unused", map_type::ARRAY, (4, 4, 1))),
    );
    for (map, setting) in [
        ("counts", MapSetting::MapType(map_type::PERCPU_HASH)),
        ("counts", MapSetting::ValueSize(12)),
        ("counts", MapSetting::MaxEntries(9)),
        ("events", MapSetting::MapType(map_type::PERF_EVENT_ARRAY)),
        ("unused", MapSetting::Autocreate(false)),
    ] {
        object.set_map(map, setting).unwrap();
    }
    object.load().unwrap();
    let counts = object.map("counts").unwrap();
    let info = counts.info();
    assert_eq!(
        (info.value_size, info.user_value_size, info.max_entries),
        (12, 32, 9)
    );
    assert_eq!(info.type_name, "percpu_hash");
    let events = object.map("events").unwrap();
    assert_eq!(events.info().max_entries, 2);
    events.open_perf_buffer(8).unwrap();
    assert_eq!(kind(object.map("unused")), ErrorKind::InvalidState);
    assert_eq!(kind(object.map("unknown")), ErrorKind::NotFound);
}

#[test]
fn maps_change_their_type_only_to_what_holds_the_same() {
    let (_kernel, mut object) =
        open(FakeObject::builder().map(map_info("m", map_type::QUEUE, (0, 4, 1))));
    let set = object.set_map("m", MapSetting::MapType(map_type::HASH));
    assert_eq!(kind(set), ErrorKind::NotSupported);
    object
        .set_map("m", MapSetting::MapType(map_type::QUEUE))
        .unwrap();
}

#[test]
fn data_grows_but_does_not_shrink() {
    let (_kernel, mut object) = open(with_globals());
    let set = object.set_map(".bss", MapSetting::ValueSize(7));
    assert_eq!(kind(set), ErrorKind::InvalidArgument);
    object.set_map(".bss", MapSetting::ValueSize(64)).unwrap();
    object.load().unwrap();
    let memory = object.map(".bss").unwrap().read_memory(0, 64).unwrap();
    assert_eq!(memory, [0; 64]);
}

#[test]
fn a_pinned_map_is_shared_by_name() {
    let (kernel, mut first) =
        open(FakeObject::builder().map(map_info("m", map_type::HASH, (4, 1, 4))));
    let mut second = kernel.open_object("object", &[]).unwrap();
    for object in [&mut first, &mut second] {
        object.set_map("m", MapSetting::PinName("state")).unwrap();
        object.load().unwrap();
    }
    first.map("m").unwrap().update(&[1; 4], b"x", 0).unwrap();
    let second_map = second.map("m").unwrap();
    assert_eq!(second_map.lookup(&[1; 4], 0).unwrap(), Some(b"x".to_vec()));
    assert_eq!(first.maps()[0].id, second.maps()[0].id);
    assert_eq!(second_map.info().pin_name.as_deref(), Some("state"));
    let mut other = kernel.open_object("object", &[]).unwrap();
    other.set_map("m", MapSetting::PinName("state")).unwrap();
    other.set_map("m", MapSetting::MaxEntries(5)).unwrap();
    assert_eq!(kind(other.load()), ErrorKind::InvalidArgument);
}

#[test]
fn what_load_leaves_out_leaves_its_slot_empty() {
    let tails = map_info("tails", map_type::PROG_ARRAY, (4, 4, 2));
    let tails = DeclaredMap::from(tails).with_slot(0, "p").with_slot(1, "q");
    let builder = with_program("xdp").program(program("q", "?xdp"));
    let (kernel, _object) = load(builder.clone().map(tails.clone()));
    let slots = kernel.map("tails").unwrap();
    assert_eq!(slots.program(0).unwrap().as_deref(), Some("p"));
    assert_eq!(slots.program(1).unwrap(), None);
    let (_kernel, mut object) = open(builder.clone().map(tails.clone().with_slot(2, "p")));
    assert_eq!(errno(object.load()), 7);
    let (_kernel, mut object) = open(builder.map(tails.with_slot(1, "unknown")));
    assert_eq!(kind(object.load()), ErrorKind::NotFound);
}

#[test]
fn a_program_is_attached_where_its_section_says() {
    let (kernel, object) = load(with_program("tp/sched/sched_switch"));
    assert!(object.can_attach_by_section("p"));
    let link = object.attach("p", None).unwrap();
    let info = link.info();
    assert_eq!(info.name, "p");
    assert_eq!(info.target, "tracepoint:sched:sched_switch");
    assert_eq!(kernel.attached()[0].target, info.target);
    assert_eq!(kernel.attached()[0].object, "object");
    assert_eq!(info.ids, [kernel.attached()[0].id]);
}

#[test]
fn a_program_whose_section_does_not_say_where_says_what_it_needs() {
    let (_kernel, object) = load(with_program("uprobe"));
    assert!(!object.can_attach_by_section("p"));
    let error = object.attach("p", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.text().contains("it needs uprobe:BINARY:SYMBOL"));
    object
        .attach("p", Some(&target("uprobe:bash:readline")))
        .unwrap();
    let (_kernel, object) = load(with_program("syscall"));
    assert_eq!(kind(object.attach("p", None)), ErrorKind::NotSupported);
    assert_eq!(kind(object.attach("q", None)), ErrorKind::NotFound);
    assert!(!object.can_attach_by_section("q"));
}

#[test]
fn a_target_that_does_not_suit_the_program_is_refused() {
    let (_kernel, object) = load(with_program("tp/sched/sched_switch"));
    let error = object.attach("p", Some(&target("kprobe:f"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let text = error.text();
    assert!(
        text.contains("attach program \"p\" to kprobe:f: it needs tracepoint:"),
        "{text}"
    );
}

#[test]
fn a_program_that_was_not_loaded_is_not_attached() {
    let (_kernel, mut object) = open(with_program("?kprobe/do_exit"));
    assert!(!object.programs()[0].autoload);
    object.load().unwrap();
    assert_eq!(object.programs()[0].id, 0);
    assert_eq!(kind(object.attach("p", None)), ErrorKind::InvalidState);
    let (_kernel, mut object) = open(with_program("?kprobe/do_exit"));
    object
        .set_program("p", ProgramSetting::Autoload(true))
        .unwrap();
    object.load().unwrap();
    object.attach("p", None).unwrap();
}

#[test]
fn programs_verified_against_a_function_need_one() {
    let (_kernel, mut object) = open(with_program("fentry"));
    assert_eq!(kind(object.load()), ErrorKind::InvalidArgument);
    let (_kernel, mut object) = open(with_program("fentry"));
    object
        .set_program("p", ProgramSetting::AttachTarget("do_exit"))
        .unwrap();
    object.load().unwrap();
    assert_eq!(object.programs()[0].attach_target, "do_exit");
    let other = object.attach("p", Some(&target("trace:do_fork")));
    assert_eq!(kind(other), ErrorKind::InvalidArgument);
    let link = object.attach("p", Some(&target("trace:do_exit"))).unwrap();
    let again = object.attach("p", Some(&target("trace")));
    assert_eq!(kind(again), ErrorKind::Busy);
    drop(link);
    object.attach("p", Some(&target("trace"))).unwrap();
    let (_kernel, mut object) = open(with_program("xdp"));
    let set = object.set_program("p", ProgramSetting::AttachTarget("f"));
    assert_eq!(kind(set), ErrorKind::InvalidArgument);
    let (_kernel, mut object) = open(with_program("custom"));
    assert_eq!(kind(object.load()), ErrorKind::InvalidArgument);
}

#[test]
fn dropping_a_link_detaches_and_the_object_stays_until_then() {
    let (kernel, object) = load(with_program("kprobe/do_exit"));
    let first = object.attach("p", None).unwrap();
    let second = object.attach("p", Some(&target("kprobe:do_fork"))).unwrap();
    drop(object);
    drop(first);
    assert_eq!(kernel.attached().len(), 1);
    drop(second);
    assert!(kernel.attached().is_empty());
    let expected = [
        "attach p (section)",
        "attach p kprobe:do_fork",
        "detach p kprobe:do_exit",
        "detach p kprobe:do_fork",
        "unload object",
    ];
    assert_eq!(texts(&kernel)[2..], expected);
}

#[test]
fn detaching_is_done_once_and_reports_errors() {
    let (kernel, object) = load(with_program("kprobe/do_exit"));
    let mut link = object.attach("p", None).unwrap();
    kernel.fail_next(Operation::Detach, Error::from_errno(5, "detach"));
    assert_eq!(errno(link.detach()), 5);
    assert!(kernel.attached().is_empty());
    assert_eq!(kind(link.detach()), ErrorKind::InvalidState);
    drop(link);
    assert_eq!(kernel.count(Operation::Detach), 1);
}

#[test]
fn a_network_interface_has_one_xdp_program() {
    let (_kernel, object) = load(with_program("xdp"));
    let link = object.attach("p", Some(&target("xdp:eth0"))).unwrap();
    let second = object.attach("p", Some(&target("xdp:eth0:generic")));
    assert_eq!(errno(second), 16);
    object.attach("p", Some(&target("xdp:eth1"))).unwrap();
    drop(link);
    object.attach("p", Some(&target("xdp:eth0"))).unwrap();
}

fn two_xdp_programs() -> (FakeKernel, Box<dyn Object>) {
    load(
        FakeObject::builder()
            .program(program("old", "xdp"))
            .program(program("new", "xdp"))
            .program(program("other", "tc")),
    )
}

#[test]
fn a_program_takes_the_place_of_another_of_its_type() {
    let (kernel, object) = two_xdp_programs();
    let mut link = object.attach("old", Some(&target("xdp:eth0"))).unwrap();
    object.replace_in("new", &mut *link).unwrap();
    assert_eq!(link.info().name, "new");
    assert_eq!(kernel.attached()[0].name, "new");
    let other = object.replace_in("other", &mut *link);
    assert_eq!(kind(other), ErrorKind::InvalidArgument);
    link.detach().unwrap();
    let late = object.replace_in("old", &mut *link);
    assert_eq!(kind(late), ErrorKind::InvalidState);
}

#[test]
fn probes_cannot_be_replaced() {
    let (_kernel, object) = load(with_program("kprobe/do_exit"));
    let mut link = object.attach("p", None).unwrap();
    let replaced = object.replace_in("p", &mut *link);
    assert_eq!(kind(replaced), ErrorKind::NotSupported);
}

#[test]
fn programs_are_stored_in_program_arrays() {
    let tails = map_info("tails", map_type::PROG_ARRAY, (4, 4, 2));
    let plain = map_info("plain", map_type::ARRAY, (4, 4, 2));
    let (kernel, object) = load(with_program("xdp").map(tails).map(plain));
    let tails = object.map("tails").unwrap();
    object.store_in("p", &*tails, 1).unwrap();
    let slots = kernel.map("tails").unwrap();
    assert_eq!(slots.program(1).unwrap().as_deref(), Some("p"));
    assert_eq!(slots.program(0).unwrap(), None);
    assert_eq!(errno(object.store_in("p", &*tails, 2)), 7);
    let plain = object.map("plain").unwrap();
    assert_eq!(
        kind(object.store_in("p", &*plain, 0)),
        ErrorKind::NotSupported
    );
    assert!(tails.delete(&[1, 0, 0, 0]).unwrap());
    assert_eq!(slots.program(1).unwrap(), None);
}

#[test]
fn struct_ops_maps_are_registered_once() {
    let ops = map_info("ops", map_type::STRUCT_OPS, (4, 64, 1));
    let plain = map_info("plain", map_type::ARRAY, (4, 4, 2));
    let (kernel, object) = load(FakeObject::builder().map(ops).map(plain));
    let link = object.attach_struct_ops("ops").unwrap();
    assert_eq!(
        (link.info().name.as_str(), link.info().link_type),
        ("ops", 9)
    );
    assert_eq!(kind(object.attach_struct_ops("ops")), ErrorKind::Busy);
    assert_eq!(
        kind(object.attach_struct_ops("plain")),
        ErrorKind::InvalidArgument
    );
    assert_eq!(kind(object.attach_struct_ops("none")), ErrorKind::NotFound);
    drop(link);
    assert!(kernel.attached().is_empty());
}

fn read_all(link: &dyn Link) -> String {
    let mut text = String::new();
    let mut reader = link.iterate().unwrap();
    reader.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn an_iterator_writes_what_the_test_said_every_time() {
    let tasks = program("tasks", "iter/task").writing(b"1 init\n");
    let (_kernel, object) = load(
        FakeObject::builder()
            .program(tasks)
            .program(program("p", "kprobe/do_exit")),
    );
    let mut link = object.attach("tasks", None).unwrap();
    assert_eq!(read_all(&*link), "1 init\n");
    assert_eq!(read_all(&*link), "1 init\n");
    link.detach().unwrap();
    assert_eq!(kind(link.iterate().map(drop)), ErrorKind::InvalidState);
    let probe = object.attach("p", None).unwrap();
    assert_eq!(kind(probe.iterate().map(drop)), ErrorKind::NotSupported);
}

#[test]
fn running_a_program_does_what_the_test_said() {
    let echo = program("echo", "xdp").running(|input| {
        Ok(RunOutput {
            return_value: input.repeat,
            data: input.data.clone(),
            ..RunOutput::default()
        })
    });
    let (_kernel, object) = load(with_program("xdp").program(echo));
    let input = RunInput {
        data: vec![1, 2],
        repeat: 3,
        ..RunInput::default()
    };
    let output = object.test_run("echo", &input).unwrap();
    assert_eq!((output.return_value, output.data), (3, vec![1, 2]));
    assert_eq!(kind(object.test_run("p", &input)), ErrorKind::NotSupported);
}

#[test]
fn statistics_are_those_that_the_test_set() {
    let (kernel, object) = load(with_program("xdp"));
    assert_eq!(
        object.statistics("p").unwrap(),
        ProgramStatistics::default()
    );
    let statistics = ProgramStatistics {
        run_count: 3,
        ..ProgramStatistics::default()
    };
    kernel.set_statistics("p", statistics);
    assert_eq!(object.statistics("p").unwrap(), statistics);
}

#[test]
fn settings_are_in_the_journal() {
    let (kernel, mut object) = open(with_globals().program(program("p", "xdp")));
    object.set_global("limit", &[8, 0, 0, 255]).unwrap();
    object
        .set_program("p", ProgramSetting::Autoload(false))
        .unwrap();
    object.set_map(".bss", MapSetting::ValueSize(16)).unwrap();
    let expected = [
        "set-global limit 080000ff",
        "set-program p Autoload(false)",
        "set-map .bss ValueSize(16)",
    ];
    assert_eq!(texts(&kernel)[1..], expected);
}

#[test]
fn failures_can_be_ordered_of_every_call() {
    let (kernel, object) = load(with_program("kprobe/do_exit"));
    let failure = || Error::from_errno(12, "ordered");
    kernel.fail_next(Operation::Attach, failure());
    kernel.fail_next(Operation::Open, failure());
    kernel.fail_next(Operation::Symbols, failure());
    assert_eq!(errno(object.attach("p", None)), 12);
    assert_eq!(errno(kernel.open_object("object", &[])), 12);
    assert_eq!(errno(kernel.symbol_address("do_exit")), 12);
    object.attach("p", None).unwrap();
}
