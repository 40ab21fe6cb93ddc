//! A plugin with two sources and ticks; its first argument says where it goes wrong, if anywhere.

use std::time::Duration;

use bpf::maps;
use eunomia_bpf::plugin::{Driver, SourceId};
use eunomia_bpf::{
    Batch, Error, ErrorCode, LoadedObject, Object, Plugin, Result, RunInput, lifecycle,
};

// Module `bpf`: the maps of driven.bpf.c.
eunomia_bpf::include_bindings!();

eunomia_bpf::plugin!(Driven);

/// Writes records at each tick and adds up what arrives.
struct Driven {
    case: String,
    object: LoadedObject,
    sources: [SourceId; 2],
    sums: [u32; 2],
    ticks: u32,
}

impl Plugin for Driven {
    fn start(driver: &mut Driver) -> Result<Self> {
        let case = std::env::args().nth(1).unwrap_or_default();
        println!("start");
        match case.as_str() {
            "help" => {
                println!("usage: driven");
                lifecycle::request_stop();
            }
            "exit-in-start" => lifecycle::exit(9),
            "fail-in-start" => return Err(asked("start")),
            _ => {}
        }
        let object = Object::open(bpf::OBJECT)?.load()?;
        if case == "limits" {
            limits(driver)?;
        }
        let sources = [
            driver.add_ring_buffer(object.ring_buffer(maps::EVENTS)?)?,
            driver.add_ring_buffer(object.ring_buffer(maps::OTHERS)?)?,
        ];
        println!("sources differ: {}", sources[0] != sources[1]);
        driver.set_tick(Duration::from_millis(2))?;
        let plugin = Self {
            case,
            object,
            sources,
            sums: [0; 2],
            ticks: 0,
        };
        // Delivered before the first tick.
        plugin.produce(5)?;
        Ok(plugin)
    }

    fn on_events(&mut self, source: SourceId, batch: Batch<'_>, lost: u64) -> Result<()> {
        if self.case == "fail-in-events" {
            return Err(asked("on-events"));
        }
        let Some(index) = self.sources.iter().position(|known| *known == source) else {
            return Err(Error::other(format!("events of {source:?}")));
        };
        self.sums[index] += batch.records::<u32>().sum::<u32>() + lost as u32;
        Ok(())
    }

    fn on_tick(&mut self) -> Result<()> {
        self.ticks += 1;
        if self.ticks <= 3 {
            println!("tick {}", self.ticks);
            self.produce(10)?;
        }
        if self.case == "fail-in-tick" {
            return Err(asked("on-tick"));
        }
        if self.ticks == 4 && self.case != "until-asked" {
            lifecycle::request_stop();
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        println!("stop: sums {:?}", self.sums);
        match self.case.as_str() {
            "fail-in-stop" => Err(asked("stop")),
            _ => Ok(()),
        }
    }
}

impl Driven {
    fn produce(&self, records: u32) -> Result<()> {
        let context = records.to_le_bytes().to_vec();
        let input = RunInput {
            context,
            ..RunInput::default()
        };
        self.object.program("produce")?.test_run(&input).map(drop)
    }
}

/// The shortest tick. The most sources would be 256, but objects that have them are 16.
fn limits(driver: &mut Driver) -> Result<()> {
    let short = driver.set_tick(Duration::from_nanos(999_999));
    println!(
        "less than a millisecond: {:?}",
        short.map_err(|error| error.code())
    );
    driver.set_tick(Duration::from_millis(1))?;
    println!("a millisecond: ok");
    Ok(())
}

fn asked(place: &str) -> Error {
    Error::new(ErrorCode::Other, format!("it was asked to fail in {place}"))
}
