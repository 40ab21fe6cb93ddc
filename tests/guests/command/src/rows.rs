//! Structured output.

use eunomia_bpf::output::{self, Field, FieldTable, Table};
use eunomia_bpf::{ErrorCode, Object};

use crate::bpf::{self, Event, Kind, globals, maps};
use crate::{Outcome, equal, fails};

/// Structs of the BPF object: one by one, and as they came from the ring buffer.
pub(crate) fn structs(_: &[String]) -> Outcome {
    let object = Object::open(bpf::OBJECT)?;
    object.set(globals::RECORDS, 2)?;
    let object = object.load()?;
    let table = Table::<Event>::from_btf("events", &object)?;
    table.add_hint("comm", "width", "16")?;
    let taken = Table::<Event>::from_btf("events", &object);
    fails("the same name", taken, ErrorCode::AlreadyExists)?;
    let event = Event {
        index: 41,
        kind: Kind::KIND_FIRST,
        ..Event::default()
    };
    table.push(&event)?;
    let mut ring = object.ring_buffer(maps::EVENTS)?;
    object.program("produce")?.test_run(&Default::default())?;
    let batch = ring.next_batch()?.ok_or("stopped")?;
    table.emit_batch(&batch)?;
    table.push_bytes(&[0; 5])?;
    fails("a short row", table.flush(), ErrorCode::InvalidArgument)?;
    table.end_of_interval()?;
    output::report_lost(3);
    Ok(output::flush()?)
}

/// Declared fields of every kind.
pub(crate) fn fields(_: &[String]) -> Outcome {
    let table = FieldTable::new(
        "fields",
        [
            Field::of::<bool>("flag"),
            Field::of::<i64>("signed"),
            Field::of::<f64>("ratio"),
            Field::of::<&str>("text").hint("width", "12"),
            Field::of::<&[u8]>("bytes"),
            Field::of::<u32>("maybe").optional(),
            Field::of::<u16>("many").repeated(),
        ],
    )?;
    for number in 0..3_u16 {
        table.push(|row| {
            row.put(number == 1).put(-i64::from(number)).put(0.5);
            row.put("text, \"quoted\"").put(&[1_u8, 2][..]);
            row.put_option((number > 0).then_some(u32::from(number)));
            row.put_all(0..number);
        })?;
    }
    let wrong = table.push(|row| {
        row.put(1_u8);
    });
    fails("a wrong value", wrong, ErrorCode::InvalidArgument)?;
    let duplicate = [Field::of::<u8>("one"), Field::of::<u8>("one")];
    let duplicate = FieldTable::new("duplicate", duplicate);
    fails("a field twice", duplicate, ErrorCode::InvalidArgument)?;
    table.end_of_interval()?;
    equal("nothing is left", table.flush().is_ok(), true)
}
