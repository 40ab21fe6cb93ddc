//! Shows events and how many there are a second; the host drives it.

use std::time::Duration;

use bpf::{Event, globals, maps};
use eunomia_bpf::output::{self, Field, FieldTable, Table};
use eunomia_bpf::plugin::{Driver, SourceId};
use eunomia_bpf::{Batch, Link, LoadedObject, Object, Plugin, Result};

// Module `bpf`: the types, globals and maps of probe.bpf.c.
eunomia_bpf::include_bindings!();

eunomia_bpf::plugin!(Starts);

struct Starts {
    object: LoadedObject,
    events: Table<Event>,
    rates: FieldTable,
    /// Since the last tick, and in all.
    count: u64,
    total: u64,
    _links: Vec<Link>,
}

impl Plugin for Starts {
    fn start(driver: &mut Driver) -> Result<Self> {
        let object = Object::open(bpf::OBJECT)?.load()?;
        driver.add_ring_buffer(object.ring_buffer(maps::EVENTS)?)?;
        driver.set_tick(Duration::from_secs(1))?;
        let events = Table::from_btf("events", &object)?;
        events.add_hint("time_ns", "format", "time-boot-ns")?;
        let fields = ["count", "total"].map(Field::of::<u64>);
        let rates = FieldTable::new("rates", fields)?;
        Ok(Self {
            events,
            rates,
            count: 0,
            total: 0,
            _links: object.attach()?,
            object,
        })
    }

    fn on_events(&mut self, _source: SourceId, batch: Batch<'_>, _lost: u64) -> Result<()> {
        self.count += batch.records::<Event>().count() as u64;
        self.events.emit_batch(&batch)
    }

    fn on_tick(&mut self) -> Result<()> {
        self.total += self.count;
        self.rates.push(|row| {
            row.put(self.count).put(self.total);
        })?;
        self.count = 0;
        self.rates.end_of_interval()
    }

    fn stop(&mut self) -> Result<()> {
        output::report_lost(self.object.get(globals::LOST_EVENTS)?);
        Ok(())
    }
}
