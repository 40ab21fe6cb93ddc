//! Has calls fail and prints what the errors say.

use std::process::ExitCode;

use eunomia_bpf::attach::{Target, TracepointTarget};
use eunomia_bpf::{Error, Object, Result, UpdateFlags, list_objects};

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let mut objects = list_objects();
    objects.sort();
    println!("objects {objects:?}");
    show(
        "object",
        Object::open("nothing"),
        &["nothing", "bad", "good"],
    );
    let bad = Object::open("bad")?;
    show("verifier", bad.load(), &["bad", "wild", "R"]);

    let object = Object::open("good")?;
    show(
        "program",
        object.program("nothing"),
        &["nothing", "good", "anywhere"],
    );
    show("map", object.map("nothing"), &["nothing", "good", "single"]);
    show("global", object.get_bytes("nothing"), &["nothing"]);
    let object = object.load()?;
    let single = object.map("single")?;
    show("key", single.lookup(&[1]), &["single"]);
    single.update(&[1; 4], &[1; 4], UpdateFlags::ANY)?;
    show(
        "full",
        single.update(&[2; 4], &[2; 4], UpdateFlags::ANY),
        &["single"],
    );
    show(
        "there",
        single.update(&[1; 4], &[2; 4], UpdateFlags::NO_EXIST),
        &["single"],
    );
    show(
        "not there",
        single.update(&[2; 4], &[2; 4], UpdateFlags::EXIST),
        &["single"],
    );
    let anywhere = object.program("anywhere")?;
    let nowhere = anywhere.attach_to(TracepointTarget::new("sched", "no_such_tracepoint"));
    show("tracepoint", nowhere, &["anywhere", "no_such_tracepoint"]);
    show(
        "text",
        anywhere.attach_to(Target::text("tracepoint")),
        &["tracepoint"],
    );
    let long = "x".repeat(256);
    show("a name of 256 bytes", object.map(long.as_str()), &["xxx"]);
    let longer = "x".repeat(257);
    show("of 257", object.map(longer.as_str()), &["257", "256"]);
    Ok(())
}

/// Prints what programs decide on, and whether people learn what they need.
fn show<T>(what: &str, result: Result<T>, words: &[&str]) {
    match result {
        Ok(_) => println!("{what}: ok"),
        Err(error) => {
            println!("{what}: {:?}, errno {}", error.code(), error.errno());
            missing(&error, words);
        }
    }
}

fn missing(error: &Error, words: &[&str]) {
    for word in words
        .iter()
        .filter(|word| !error.message().contains(**word))
    {
        println!("  does not say `{word}`: {}", error.message());
    }
}
