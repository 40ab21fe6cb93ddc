//! A plugin for the tests: the first argument says where it goes wrong, if anywhere.

use std::io::{Write, stdout};
use std::time::Duration;

use bpf::{Event, globals, maps};
use eunomia_bpf::plugin::{Driver, SourceId};
use eunomia_bpf::{Batch, Error, ErrorCode, Link, LoadedObject, Object, Plugin, Result, lifecycle};

// Module `bpf`: the types, globals and maps of cases.bpf.c.
eunomia_bpf::include_bindings!();

eunomia_bpf::plugin!(Cases);

/// Counts events; writes more of them at each tick, and stops after the third.
struct Cases {
    case: String,
    object: LoadedObject,
    source: SourceId,
    events: u64,
    ticks: u32,
    _link: Link,
}

impl Plugin for Cases {
    fn start(driver: &mut Driver) -> Result<Self> {
        let case = std::env::args().nth(1).unwrap_or_default();
        match case.as_str() {
            "help" => {
                writeln!(stdout(), "help")?;
                std::process::exit(0);
            }
            "fail-in-start" => return Err(asked("start")),
            _ => {}
        }
        let object = Object::open(bpf::OBJECT)?;
        object.set(globals::RECORDS, 10)?;
        let object = object.load()?;
        let source = driver.add_ring_buffer(object.ring_buffer(maps::EVENTS)?)?;
        driver.set_tick(Duration::from_millis(10))?;
        Ok(Self {
            case,
            source,
            events: 0,
            ticks: 0,
            _link: object.program("on_call")?.attach()?,
            object,
        })
    }

    fn on_events(&mut self, source: SourceId, batch: Batch<'_>, _lost: u64) -> Result<()> {
        match self.case.as_str() {
            "fail-in-events" => return Err(asked("on-events")),
            "wrong-type" => self.events += batch.records::<[u64; 32]>().count() as u64,
            "spin-in-events" => loop {
                std::hint::black_box(());
            },
            _ => {}
        }
        if source != self.source {
            return Err(Error::other(format!("events of {source:?}")));
        }
        for event in batch.records::<Event>() {
            if event.index() != self.events % 10 {
                return Err(Error::other(format!(
                    "event {} is out of order",
                    event.index()
                )));
            }
            self.events += 1;
        }
        Ok(())
    }

    fn on_tick(&mut self) -> Result<()> {
        if self.case == "panic-in-tick" {
            panic!("it was asked to panic");
        }
        if self.case == "fail-in-tick" {
            return Err(asked("on-tick"));
        }
        self.ticks += 1;
        match self.ticks {
            1..=3 => {
                let program = self.object.program("produce")?;
                program.test_run(&Default::default()).map(drop)
            }
            _ if self.case == "run-on" => Ok(()),
            _ => {
                lifecycle::request_stop();
                Ok(())
            }
        }
    }

    fn stop(&mut self) -> Result<()> {
        writeln!(stdout(), "{} events", self.events)?;
        match self.case.as_str() {
            "fail-in-stop" => Err(asked("stop")),
            _ => Ok(()),
        }
    }
}

fn asked(place: &str) -> Error {
    Error::new(ErrorCode::Other, format!("it was asked to fail in {place}"))
}
