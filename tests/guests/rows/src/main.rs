//! Emits rows of structs and of declared fields.

use std::process::ExitCode;

use bpf::{Event, maps};
use eunomia_bpf::output::{self, Field, FieldTable, Table};
use eunomia_bpf::{Object, Result, RunInput};

// Module `bpf`: the types and maps of rows.bpf.c.
eunomia_bpf::include_bindings!();

/// Hints that a field may have.
const HINTS_MAX: usize = 64;
/// Fields that a table may have.
const FIELDS_MAX: usize = 256;

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let events = Table::<Event>::from_btf("events", &object)?;
    events.add_hint("comm", "width", "16")?;
    events.add_hint("place.y", "hidden", "true")?;
    events.add_hint("", "title", "Events")?;
    println!(
        "a hint for no field: {}",
        code(events.add_hint("nothing", "width", "1"))
    );

    let mut ring = object.ring_buffer(maps::EVENTS)?;
    object.program("emit")?.test_run(&RunInput::default())?;
    if let Some(batch) = ring.try_next_batch()? {
        events.emit_batch(&batch)?;
    }
    let mut longer = vec![0; <Event as eunomia_bpf::Record>::SIZE + 8];
    longer[0] = 3;
    events.push_bytes(&longer)?;
    events.flush()?;
    println!(
        "a late hint: {}",
        code(events.add_hint("comm", "width", "8"))
    );
    events.end_of_interval()?;

    fields()?;
    limits()?;
    output::report_lost(3);
    output::flush()?;
    order()
}

/// Rows of two tables that nobody flushes.
fn order() -> Result<()> {
    let table = |name| FieldTable::new(name, [Field::of::<u8>("number")]);
    let (one, two) = (table("one")?, table("two")?);
    for (table, number) in [(&two, 1_u8), (&one, 2), (&two, 3)] {
        table.push(|row| {
            row.put(number);
        })?;
    }
    Ok(())
}

fn fields() -> Result<()> {
    let table = FieldTable::new(
        "fields",
        [
            Field::of::<bool>("flag"),
            Field::of::<u8>("tiny"),
            Field::of::<i64>("signed"),
            Field::of::<u64>("unsigned"),
            Field::of::<f64>("ratio"),
            Field::of::<&str>("text").hint("width", "12"),
            Field::of::<&[u8]>("bytes"),
            Field::of::<u32>("maybe").optional(),
            Field::of::<&str>("many").repeated(),
        ],
    )?;
    for number in 0..2_u8 {
        table.push(|row| {
            row.put(number == 1)
                .put(number)
                .put(i64::MIN)
                .put(u64::MAX)
                .put(0.5);
            row.put("\"quoted\", \u{e4}").put(&[0_u8, 255][..]);
            row.put_option((number == 1).then_some(7_u32));
            row.put_all(["a", "", "c"].into_iter().take(usize::from(number) * 3));
        })?;
    }
    table.end_of_interval()
}

/// As much as is allowed, and one more.
fn limits() -> Result<()> {
    let field = |number: usize| Field::of::<u8>(format!("f{number}"));
    let most = FieldTable::new("most_fields", (0..FIELDS_MAX).map(field));
    println!("256 fields: {}", code(most));
    let more = FieldTable::new("more_fields", (0..=FIELDS_MAX).map(field));
    println!("257 fields: {}", code(more));
    let hinted = |count: usize| {
        (0..count).fold(field(0), |field, number| {
            field.hint(&format!("h{number}"), "")
        })
    };
    println!(
        "64 hints: {}",
        code(FieldTable::new("most_hints", [hinted(HINTS_MAX)]))
    );
    println!(
        "65 hints: {}",
        code(FieldTable::new("more_hints", [hinted(HINTS_MAX + 1)]))
    );
    let long = |bytes: usize| [field(0).hint(&"k".repeat(bytes), &"v".repeat(bytes))];
    println!(
        "a hint of 256 bytes: {}",
        code(FieldTable::new("long_hint", long(256)))
    );
    println!(
        "of 257: {}",
        code(FieldTable::new("longer_hint", long(257)))
    );
    Ok(())
}

/// How a call ended.
fn code<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{:?}", error.code()),
    }
}
