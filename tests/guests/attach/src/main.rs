//! Attaches programs; the first argument says how.

use std::process::ExitCode;

use bpf::{globals, maps};
use eunomia_bpf::attach::{
    Link, RawTracepointTarget, Target, TracepointTarget, XdpMode, XdpTarget,
};
use eunomia_bpf::{LoadedObject, Object, Program, Result, RunInput};

// Module `bpf`: the globals and maps of attach.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    let case = std::env::args().nth(1).unwrap_or_default();
    eunomia_bpf::run(|| match case.as_str() {
        "all" => all(),
        "given" => given(),
        _ => one_by_one(),
    })
}

/// Every program whose section, or the operator, says where.
fn all() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?;
    object.program("on_call")?.set_autoattach(false)?;
    let object = match object.load() {
        Ok(object) => object,
        Err(error) => {
            println!("load: {:?}: {error}", error.code());
            return Ok(());
        }
    };
    let mut links = object.attach()?;
    links.sort_by_key(|link| link.info().name);
    for link in &links {
        show(link);
    }
    if links.iter().any(|link| link.info().targets.len() > 1) {
        println!("again: {}", code(&object.program("on_exec")?.attach()));
    }
    Ok(())
}

/// The guest's own target, unless the operator gave one.
fn given() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let program = object.program("anywhere")?;
    let link = program.attach_to(fork())?;
    show(&link);
    link.detach()?;
    println!("again: {}", code(&program.attach_to(fork())));
    Ok(())
}

fn one_by_one() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?;
    println!("left out: {}", !object.program("left_out")?.info().autoload);
    let object = object.load()?;
    println!(
        "attach what was left out: {}",
        code(&object.program("left_out")?.attach())
    );
    let anywhere = object.program("anywhere")?;
    println!("nowhere: {}", code(&anywhere.attach()));
    let raw = RawTracepointTarget::new("sys_enter");
    println!("of another kind: {}", code(&anywhere.attach_to(raw)));

    counted(&object)?;
    for target in [
        Target::from(fork().cookie(7)),
        Target::text("tracepoint:sched:sched_process_exit"),
    ] {
        show(&anywhere.attach_to(target)?);
    }
    let on_call = object.program("on_call")?;
    let first = on_call.attach_to(RawTracepointTarget::new("sys_enter"))?;
    let second = on_call.attach()?;
    println!("twice: {}", first.info().ids != second.info().ids);
    replaced(&object.program("pass")?, &object.program("pass_too")?)?;

    let jumps = object.map(maps::JUMPS)?;
    on_call.store_in(&jumps, 1)?;
    println!(
        "stored; beyond the end: {}",
        code(&on_call.store_in(&jumps, 2))
    );
    on_call.attach()?.keep();
    println!("kept");
    Ok(())
}

/// A link holds the program; dropping or detaching it ends that.
fn counted(object: &LoadedObject) -> Result<()> {
    let program = object.program("on_call")?;
    let link = program.attach()?;
    show(&link);
    println!("while attached: {}", is_called(object)?);
    link.detach()?;
    println!("detached: {}", is_called(object)?);
    let link = program.attach()?;
    println!("attached again: {}", is_called(object)?);
    drop(link);
    println!("dropped: {}", is_called(object)?);
    program.attach()?.keep();
    println!("kept: {}", is_called(object)?);
    Ok(())
}

/// Whether system calls of the host are counted: running a program is one.
fn is_called(object: &LoadedObject) -> Result<bool> {
    object.program("choose")?.test_run(&RunInput::default())?;
    let before = object.get(globals::CALLS)?;
    object.program("choose")?.test_run(&RunInput::default())?;
    Ok(object.get(globals::CALLS)? > before)
}

/// One program takes the place of another without a gap.
fn replaced(pass: &Program, pass_too: &Program) -> Result<()> {
    let target = XdpTarget {
        network_interface: "lo".into(),
        mode: XdpMode::Generic,
    };
    let link = pass.attach_to(target.clone())?;
    show(&link);
    println!("occupied: {}", code(&pass_too.attach_to(target.clone())));
    pass_too.replace_in(&link)?;
    show(&link);
    link.detach()?;
    let link = pass_too.attach_to(target)?;
    println!("free again: {}", link.info().name);
    Ok(())
}

fn fork() -> TracepointTarget {
    TracepointTarget::new("sched", "sched_process_fork")
}

fn show(link: &Link) {
    let info = link.info();
    let listed = !info.ids.is_empty();
    println!(
        "{}: type {} at {:?}, listed {listed}",
        info.name, info.link_type, info.targets
    );
}

/// How a call ended.
fn code<T>(result: &Result<T>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{:?}", error.code()),
    }
}
