//! Compiled by a test with the types that are generated from `layouts.bpf.c`; reads what `dump.c`
//! prints and compares.

include!("generated.rs");

use std::collections::HashMap;

use bpf::*;
use eunomia_bpf::{NamedRecord, Record, RecordRef};

fn main() {
    let dump = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let mut values = HashMap::new();
    for line in dump.lines() {
        if let ["value", name, hex] = line.split(' ').collect::<Vec<_>>()[..] {
            let byte = |at: usize| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap();
            values.insert(name.to_owned(), (0..hex.len() / 2).map(byte).collect::<Vec<_>>());
        }
    }
    check_plain(&values);
    check_nested(&values);
    check_bits(&values);
    check_event(&values);
    check_names();
    println!("checked");
}

/// Reads a record from bytes at an odd address, writes it again, and refuses shorter bytes.
fn record<T: NamedRecord + PartialEq + std::fmt::Debug>(values: &HashMap<String, Vec<u8>>) -> T {
    let bytes = &values[T::NAME];
    let mut shifted = vec![0];
    shifted.extend(bytes);
    let record = T::read_from(&shifted[1..]).unwrap();
    let mut written = vec![0xaa; T::SIZE + 1];
    record.write_to(&mut written).unwrap();
    // The text of this one begins inside of the padding, which is written as zeros.
    let same = match T::NAME {
        "with_tail" => WithTail::TAIL_OFFSET,
        _ => T::SIZE,
    };
    assert_eq!(written[..same], bytes[..same], "{}", T::NAME);
    assert_eq!(written[T::SIZE], 0xaa);
    assert_eq!(T::read_from(&bytes[..T::SIZE - 1]), None);
    assert_eq!(record.write_to(&mut written[..T::SIZE - 1]), None);
    let zero = T::read_from(&vec![0; T::SIZE]).unwrap();
    assert_eq!(zero, T::ZERO, "{}", T::NAME);
    record
}

fn check_plain(values: &HashMap<String, Vec<u8>>) {
    let padded: Padded = record(values);
    assert_eq!(
        padded,
        Padded {
            first: 1,
            second: 0xdead_beef,
            third: 3,
            fourth: 0x0102_0304_0506_0708,
            last: 5,
            ..Padded::default()
        }
    );
    assert_eq!(
        format!("{:?}", PaddedRef::new(&values["padded"]).unwrap()),
        "Padded { first: 1, second: 3735928559, third: 3, fourth: 72623859790382856, last: 5 }"
    );
    let n: Numbers = record(values);
    assert_eq!((n.a, n.b, n.c, n.d, n.e, n.f), (255, -1, 65535, -2, 4_000_000_000, -3));
    assert_eq!((n.g, n.h, n.i, n.j), (18_000_000_000_000_000_000, -4, true, b'x'));
    assert_eq!((n.k, n.l, n.m, n.n), (1.5, -2.25, -(1 << 100), (1 << 127) + 1));
    let view = NumbersRef::new(&values["numbers"]).unwrap();
    assert_eq!((view.b(), view.h(), view.i(), view.k(), view.m()), (n.b, n.h, n.i, n.k, n.m));
}

fn check_nested(values: &HashMap<String, Vec<u8>>) {
    let mut nested: Nested = record(values);
    assert_eq!((nested.tag, nested.at.x, nested.at.y), (7, -1, 2));
    assert_eq!(nested.anonymous_type, NestedAnonymousType {
        inner_a: 3,
        inner_b: 4,
        ..Default::default()
    });
    assert_eq!((nested.flat_a, nested.flat_b, nested.flat_word()), (5, 6, 0x0403_0201));
    assert_eq!(nested.flat_bytes(), [1, 2, 3, 4]);
    assert_eq!((nested.path[1].y, nested.path[2].x, nested.grid), (8, 9, [[0; 3], [0, 0, 10]]));
    nested.set_flat_word(0xffff_0000);
    assert_eq!(nested.flat_bytes(), [0, 0, 0xff, 0xff]);
    let view = NestedRef::new(&values["nested"]).unwrap();
    assert_eq!((view.at().x(), view.flat_b(), view.flat_bytes()), (-1, 6, &[1, 2, 3, 4]));
    assert_eq!(view.path().get(1).unwrap().y(), 8);
    assert_eq!(view.path().iter().map(|point| point.x()).collect::<Vec<_>>(), [0, 0, 9]);
    assert!(view.path().get(3).is_none());
    assert_eq!(view.grid().get(1).unwrap().get(2), Some(10));

    let mut c: Connection = record(values);
    assert_eq!((c.family, c.source.v4(), c.port), (2, 0x0100_007f, 443));
    assert_eq!(c.target.words(), [0, 0x1122_3344_5566_7788]);
    c.source.set_point(Point { x: 1, y: -1 });
    assert_eq!(c.source.words()[0], 0xffff_ffff_0000_0001);
    let view = ConnectionRef::new(&values["connection"]).unwrap();
    assert_eq!((view.source().v4(), view.port()), (0x0100_007f, 443));
    assert_eq!(view.target().v6()[15], 0x11);

    let aligned: Aligned = record(values);
    assert_eq!((aligned.a, aligned.p, aligned.b), (1, Point { x: 2, y: 0 }, 3));
}

fn check_bits(values: &HashMap<String, Vec<u8>>) {
    let mut flags: Flags = record(values);
    let all = |f: &Flags| (f.a(), f.b(), f.c(), f.d(), f.plain, f.e(), f.kind(), f.yes());
    let expected = (1, 5, -7, 0xab_cdef_0123, 9, 300, EventKind::EVENT_EXIT, true);
    assert_eq!(all(&flags), expected);
    let view = FlagsRef::new(&values["flags"]).unwrap();
    assert_eq!((view.c(), view.d()), (-7, 0xab_cdef_0123));
    assert_eq!((view.kind(), view.yes()), (EventKind::EVENT_EXIT, true));
    // Setting one leaves the others.
    flags.set_d(1);
    flags.set_c(15);
    flags.set_kind(EventKind(3));
    flags.set_yes(false);
    assert_eq!(all(&flags), (1, 5, 15, 1, 9, 300, EventKind(3), false));
    flags.set_d(expected.3);
    flags.set_c(expected.2);
    flags.set_kind(expected.6);
    flags.set_yes(true);
    assert_eq!(flags, record(values));

    let packed: Packed = record(values);
    assert_eq!(({ packed.b }, { packed.c }, { packed.p }.y), (0x0102_0304, 5, -6));
    assert_eq!(({ packed.address }.v6()[15], { packed.d }), (7, 8));
    assert!(format!("{packed:?}").starts_with("Packed { a: 1, b: 16909060, c: 5, p: Point {"));
}

fn check_event(values: &HashMap<String, Vec<u8>>) {
    let event: Event = record(values);
    assert_eq!((event.timestamp, event.pid, event.kind), (123_456_789, 42, EventKind::EVENT_EXEC));
    assert_eq!((event.small, event.comm_str().as_ref()), (SmallKind::SMALL_B, "bash"));
    assert_eq!((event.raw, event.address), ([1, 2, 3, 4, 5], 0xffff_8880_1234_5678));
    assert_eq!((event.delta, event.r#type, event.self_), (-9, 11, 12));
    assert_eq!(event.names, [*b"one\0\0\0\0\0", *b"two\0\0\0\0\0"]);
    let bytes = &values["event"];
    let view = EventRef::new(bytes).unwrap();
    let comm: std::borrow::Cow<'_, str> = {
        let view = view;
        view.comm_str()
    };
    assert!(matches!(comm, std::borrow::Cow::Borrowed("bash")));
    assert_eq!((view.r#type(), view.self_(), view.delta()), (11, 12, -9));
    assert_eq!(view.to_record(), event);
    assert_eq!(EventKind(7), EventKind::EVENT_type);
    assert_eq!(format!("{} {:?}", EventKind(1), EventKind(99)), "EVENT_EXEC EventKind(99)");
    assert_eq!(EventKind(99).name(), None);

    let tail: WithTail = record(values);
    assert_eq!((tail.length, tail.code), (5, 6));
    assert_eq!(&values["with_tail"][WithTail::TAIL_OFFSET..], b"hello");
    let records: WithRecords = record(values);
    assert_eq!(records.count, 2);
    let second = &values["with_records"][WithRecords::TAIL_OFFSET + Point::SIZE..];
    assert_eq!(Point::read_from(second), Some(Point { x: 0, y: -1 }));
    let unnamed: UnnamedT = record(values);
    assert_eq!((unnamed.id, unnamed.label_str().as_ref()), (77, "sixsix"));
    let set: std::collections::HashSet<Event> = [event, event].into();
    assert_eq!(set.len(), 1);
}

/// Maps and globals have the types of the C source.
fn check_names() {
    use eunomia_bpf::{
        Global, MapName, PerCpuMapName, PerfEventArrayName, RingBufferName, UserRingBufferName,
    };
    let targ_pid: Global<i32> = globals::TARG_PID;
    let _: Global<bool> = globals::FAILED_ONLY;
    let _: Global<[u8; 16]> = globals::TARG_COMM;
    let _: Global<u64> = globals::DROPPED;
    let _: Global<Padded> = globals::LAST_SEEN;
    let _: Global<EventKind> = globals::WANTED;
    assert_eq!(targ_pid.name(), "targ_pid");
    let start: MapName<Key, Value> = maps::START;
    let _: PerCpuMapName<u32, u64> = maps::COUNTS;
    let _: MapName<(), UnnamedT> = maps::QUEUE;
    let _: MapName<u32, [u8; 1016]> = maps::STACKS;
    let _: RingBufferName = maps::EVENTS;
    let _: PerfEventArrayName = maps::SAMPLES;
    let _: UserRingBufferName = maps::COMMANDS;
    assert_eq!((start.name(), OBJECT), ("start", "layouts"));
}
