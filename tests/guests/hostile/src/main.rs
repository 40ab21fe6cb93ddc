//! A guest that breaks the contract in every way that its tests ask for: the first argument says
//! how.

use std::process::ExitCode;

mod bindings {
    #![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all)] // Generated.
    wit_bindgen::generate!({
        world: "imports",
        path: "../../../wit",
        generate_all,
    });
}

use bindings::eunomia::bpf::attach::{Link, Target, UprobeLocation, UprobeTarget};
use bindings::eunomia::bpf::attach::{ProcessFilter, SymbolLocation};
use bindings::eunomia::bpf::bpf_map::BpfMap;
use bindings::eunomia::bpf::bpf_object::{BpfObject, RunInput};
use bindings::eunomia::bpf::errors::{Error, ErrorCode};
use bindings::eunomia::bpf::output::{Cardinality, Field, Scalar, Table};
use bindings::eunomia::bpf::perf_buffer::PerfBuffer;
use bindings::eunomia::bpf::ring_buffer::RingBuffer;
use bindings::eunomia::bpf::user_ring_buffer::UserRingBuffer;
use bindings::eunomia::bpf::{lifecycle, symbols};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let case = args.first().map_or("", String::as_str);
    match misbehave(case) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{:?} {} {}", error.code, error.errno, error.message);
            lifecycle::exit(3);
            ExitCode::FAILURE
        }
    }
}

/// What a refused call is expected to be refused with.
fn refused<T>(what: &str, outcome: Result<T, Error>, code: ErrorCode) {
    match outcome {
        Ok(_) => println!("NOT REFUSED: {what}"),
        Err(error) if error.code == code => println!("refused: {what}"),
        Err(error) => println!("REFUSED AS {:?}: {what}: {}", error.code, error.message),
    }
}

fn opened() -> Result<BpfObject, Error> {
    BpfObject::open("")
}

/// The object, loaded and attached; its links stay.
fn loaded() -> Result<BpfObject, Error> {
    let object = opened()?;
    object.load()?;
    for link in object.attach()? {
        link.keep();
    }
    Ok(object)
}

fn misbehave(case: &str) -> Result<(), Error> {
    match case {
        "exit" => {
            lifecycle::exit(7);
            Ok(())
        }
        "load" => loaded().map(drop),
        "trap" => {
            let _object = loaded()?;
            std::arch::wasm32::unreachable()
        }
        "panic" => {
            let _object = loaded()?;
            panic!("on purpose")
        }
        "loop" => {
            let _object = loaded()?;
            let mut x = 0_u64;
            loop {
                x = std::hint::black_box(x.wrapping_add(1));
            }
        }
        "sleep" => {
            let _object = loaded()?;
            println!("asleep");
            loop {
                std::thread::sleep(std::time::Duration::from_secs(3600));
            }
        }
        "busy-calls" => {
            let _object = loaded()?;
            loop {
                std::hint::black_box(lifecycle::stop_requested());
            }
        }
        "allocate" => {
            let _object = loaded()?;
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 1 << 20]);
            }
        }
        "handles" => {
            let object = loaded()?;
            let mut maps = Vec::new();
            loop {
                maps.push(object.map("hash")?);
            }
        }
        "objects" => {
            let mut objects = Vec::new();
            loop {
                objects.push(opened()?);
            }
        }
        "consumed-too-much" => {
            let object = loaded()?;
            let ring = RingBuffer::open(&object.map("events")?)?;
            ring.read(8, 0, Some(0)).map(drop)
        }
        "consumed-inside" => {
            let object = loaded()?;
            fill(&object, 3)?;
            let ring = RingBuffer::open(&object.map("events")?)?;
            let batch = ring.read(0, 0, Some(0))?;
            println!("{} bytes", batch.len());
            ring.read(8, 0, Some(0)).map(drop)
        }
        "consumed-twice" => {
            let object = loaded()?;
            fill(&object, 3)?;
            let ring = RingBuffer::open(&object.map("events")?)?;
            let batch = ring.read(0, 0, Some(0))?;
            let consumed = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            ring.consume(consumed);
            ring.read(consumed, 0, Some(0)).map(drop)
        }
        "refusals" => refusals(),
        "phases" => phases(),
        "after-drop" => after_drop(),
        "flood" => loop {
            println!("{}", "x".repeat(100));
        },
        "" => Ok(()),
        other => panic!("no case `{other}`"),
    }
}

/// Have the BPF side write records to the ring buffer.
fn fill(object: &BpfObject, records: u32) -> Result<(), Error> {
    let input = RunInput {
        data: Vec::new(),
        context: records.to_le_bytes().to_vec(),
        repeat: 0,
        flags: 0,
        cpu: None,
        batch_size: 0,
    };
    object.program("fill")?.test_run(&input).map(drop)
}

fn refusals() -> Result<(), Error> {
    use ErrorCode::{
        AlreadyExists, Busy, DeniedByPolicy, InvalidArgument, LimitExceeded, NotFound, NotSupported,
    };
    let long = "x".repeat(300);
    refused(
        "an object that the image lacks",
        BpfObject::open("other"),
        NotFound,
    );
    refused("a long name", BpfObject::open(&long), LimitExceeded);

    let object = opened()?;
    refused(
        "a program that the object lacks",
        object.program("other"),
        NotFound,
    );
    refused("a map that the object lacks", object.map("other"), NotFound);
    refused(
        "a global that the object lacks",
        object.get_global("other"),
        NotFound,
    );
    refused(
        "a short global",
        object.set_global("counter", &[1]),
        InvalidArgument,
    );
    let hash = object.map("hash")?;
    refused(
        "a map type of another kind",
        hash.set_map_type(3),
        NotSupported,
    );
    refused("pinning", hash.set_pin_name("shared"), DeniedByPolicy);
    refused(
        "pinning elsewhere",
        hash.set_pin_name("../../etc/x"),
        InvalidArgument,
    );
    object.load()?;

    refused("a short key", hash.lookup(&[1], 0), InvalidArgument);
    refused("a long key", hash.lookup(&[0; 9], 0), InvalidArgument);
    refused(
        "a short value",
        hash.update(&[0; 4], &[0; 7], 0),
        InvalidArgument,
    );
    refused(
        "unknown flags",
        hash.update(&[0; 4], &[0; 8], 1 << 32),
        InvalidArgument,
    );
    refused(
        "a key that must be there",
        hash.update(&[9; 4], &[0; 8], 2),
        NotFound,
    );
    hash.update(&[1; 4], &[1; 8], 0)?;
    refused(
        "a key that must be new",
        hash.update(&[1; 4], &[0; 8], 1),
        AlreadyExists,
    );
    refused(
        "half a key in a batch",
        hash.delete_batch(&[0; 6]),
        InvalidArgument,
    );
    refused(
        "fewer values than keys",
        hash.update_batch(&[0; 8], &[0; 8], 0),
        InvalidArgument,
    );
    refused(
        "a batch beyond the bound",
        hash.delete_batch(&vec![0; (1 << 20) + 4]),
        LimitExceeded,
    );

    let jumps = object.map("jumps")?;
    refused(
        "reading descriptors",
        jumps.lookup(&[0; 4], 0),
        NotSupported,
    );
    refused(
        "writing descriptors",
        jumps.update(&[0; 4], &[0; 4], 0),
        NotSupported,
    );
    refused(
        "a batch of descriptors",
        jumps.update_batch(&[0; 4], &[0; 4], 0),
        NotSupported,
    );
    refused("walking descriptors", jumps.iterate(), NotSupported);

    let array = object.map("array")?;
    refused(
        "memory of an array that is not mapped",
        array.read_memory(0, 8),
        NotSupported,
    );
    refused(
        "memory beyond the bound",
        array.read_memory(0, (1 << 20) + 1),
        LimitExceeded,
    );
    let bss = object.map(".bss")?;
    refused(
        "memory behind the end",
        bss.read_memory(u64::MAX, 8),
        InvalidArgument,
    );

    refused(
        "a ring buffer that is a hash map",
        RingBuffer::open(&hash),
        NotSupported,
    );
    refused(
        "a perf buffer that is a hash map",
        PerfBuffer::open(&hash, 0),
        NotSupported,
    );
    refused(
        "pages that are no power of two",
        PerfBuffer::open(&hash, 3),
        InvalidArgument,
    );
    refused(
        "too many pages",
        PerfBuffer::open(&hash, 1 << 20),
        LimitExceeded,
    );
    let events = object.map("events")?;
    let _reader = RingBuffer::open(&events)?;
    refused("a second reader", RingBuffer::open(&events), Busy);

    let user = UserRingBuffer::open(&object.map("requests")?)?;
    refused(
        "half a record",
        user.write(&[8, 0, 0, 0, 0, 0, 0, 0, 1], Some(0)),
        InvalidArgument,
    );
    refused(
        "a busy record",
        user.write(&[0, 0, 0, 128, 0, 0, 0, 0], Some(0)),
        InvalidArgument,
    );
    let mut huge = 0x000f_0000_u32.to_le_bytes().to_vec();
    huge.resize(8 + 0x000f_0000, 0);
    refused(
        "a record that never fits",
        user.write(&huge, Some(0)),
        InvalidArgument,
    );

    refused(
        "a target that is no text form",
        attach_text(&object, "nonsense"),
        InvalidArgument,
    );
    refused(
        "a long target",
        attach_text(&object, &"x".repeat(5000)),
        LimitExceeded,
    );
    let uprobe = Target::Uprobe(UprobeTarget {
        binary: long.repeat(20),
        location: UprobeLocation::Symbol(SymbolLocation {
            symbol: "main".into(),
            offset: 0,
        }),
        process: ProcessFilter::Any,
        reference_counter: 0,
        cookie: 0,
    });
    refused(
        "a long path",
        object.program("fill")?.attach(Some(&uprobe)),
        LimitExceeded,
    );
    let input = RunInput {
        data: Vec::new(),
        context: vec![0; 4],
        repeat: 0,
        flags: 2,
        cpu: None,
        batch_size: 0,
    };
    refused(
        "sending packets",
        object.program("fill")?.test_run(&input),
        DeniedByPolicy,
    );

    refused(
        "odd addresses",
        symbols::resolve_kernel(&[1, 2, 3]),
        InvalidArgument,
    );
    refused(
        "too many addresses",
        symbols::resolve_kernel(&vec![0; 8 * 65_537]),
        LimitExceeded,
    );

    let field = |name: &str| Field {
        name: name.into(),
        type_: Scalar::U32,
        cardinality: Cardinality::One,
        hints: Vec::new(),
    };
    refused(
        "a table without a name",
        Table::from_fields("", &[field("a")]),
        InvalidArgument,
    );
    refused(
        "two fields of a name",
        Table::from_fields("t", &[field("a"), field("a")]),
        InvalidArgument,
    );
    refused(
        "an escape as a name",
        Table::from_fields("t", &[field("\x1b[2J")]),
        InvalidArgument,
    );
    let table = Table::from_fields("t", &[field("a")])?;
    refused(
        "a second table of a name",
        Table::from_fields("t", &[field("a")]),
        AlreadyExists,
    );
    refused(
        "a short row",
        table.emit(&[2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0]),
        InvalidArgument,
    );
    refused("garbage for rows", table.emit(&[0xff; 64]), InvalidArgument);
    refused(
        "a type that the object lacks",
        Table::from_btf("u", &object, "nothing"),
        NotFound,
    );
    Ok(())
}

fn attach_text(object: &BpfObject, text: &str) -> Result<Link, Error> {
    object
        .program("fill")?
        .attach(Some(&Target::Text(text.into())))
}

fn phases() -> Result<(), Error> {
    use ErrorCode::InvalidState;
    let object = opened()?;
    let hash = object.map("hash")?;
    refused(
        "a lookup before load",
        hash.lookup(&[0; 4], 0),
        InvalidState,
    );
    refused("attaching before load", object.attach(), InvalidState);
    refused(
        "a reader before load",
        RingBuffer::open(&object.map("events")?),
        InvalidState,
    );
    object.load()?;
    refused("loading twice", object.load(), InvalidState);
    refused("resizing after load", hash.set_max_entries(5), InvalidState);
    refused(
        "a constant after load",
        object.set_global("limit", &[0; 4]),
        InvalidState,
    );
    object.set_global("counter", &[5, 0, 0, 0, 0, 0, 0, 0])?;
    println!("counter {:?}", object.get_global("counter")?[0]);
    for link in object.attach()? {
        link.detach()?;
        refused("detaching twice", link.detach(), InvalidState);
    }
    Ok(())
}

/// Children outlive their parents.
fn after_drop() -> Result<(), Error> {
    let object = loaded()?;
    fill(&object, 2)?;
    let hash: BpfMap = object.map("hash")?;
    let events = object.map("events")?;
    let ring = RingBuffer::open(&events)?;
    drop(events);
    drop(object);
    hash.update(&[1; 4], &[1; 8], 0)?;
    println!("found {}", hash.lookup(&[1; 4], 0)?.is_some());
    let batch = ring.read(0, 0, Some(0))?;
    println!("read {} bytes", batch.len());
    ring.consume(u32::try_from(batch.len()).unwrap_or(u32::MAX));
    let pollable = ring.subscribe();
    drop(hash);
    println!("ready {}", pollable.ready());
    Ok(())
}
