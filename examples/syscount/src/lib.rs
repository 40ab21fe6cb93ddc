//! Counts system calls and the time they take: a plugin, which the host drives.

mod names;
mod options;

use std::cmp::Reverse;
use std::io::{Write, stdout};
use std::process::exit;

use bpf::{Totals, globals, maps};
use eunomia_bpf::output::{self, Field, FieldTable};
use eunomia_bpf::plugin::Driver;
use eunomia_bpf::{Link, LoadedObject, Object, OpenObject, Plugin, Result};
use names::SyscallNames;
use options::{Options, SortBy};

// Module `bpf`: the types, globals and maps of syscount.bpf.c.
eunomia_bpf::include_bindings!();

eunomia_bpf::plugin!(Syscount);

struct Syscount {
    options: Options,
    object: LoadedObject,
    names: SyscallNames,
    table: FieldTable,
    _links: Vec<Link>,
}

impl Plugin for Syscount {
    fn start(driver: &mut Driver) -> Result<Self> {
        let options = Options::parse(lexopt::Parser::from_env())?;
        let object = Object::open(bpf::OBJECT)?;
        let names = SyscallNames::of(object.get(globals::NUMBERING)?);
        if options.list {
            list(&names)?;
            exit(0);
        }
        configure(&object, &options)?;
        let object = object.load()?;
        if let Some(interval) = options.interval {
            driver.set_tick(interval)?;
        }
        Ok(Self {
            table: table(&options)?,
            _links: object.attach()?,
            options,
            object,
            names,
        })
    }

    fn on_tick(&mut self) -> Result<()> {
        self.show()
    }

    fn stop(&mut self) -> Result<()> {
        self.show()?;
        output::report_lost(self.object.get(globals::LOST_CALLS)?);
        Ok(())
    }
}

fn list(names: &SyscallNames) -> Result<()> {
    let mut out = stdout().lock();
    for (number, name) in names.iter() {
        writeln!(out, "{number:3}: {name}")?;
    }
    Ok(())
}

fn configure(object: &OpenObject, options: &Options) -> Result<()> {
    object.set(globals::FILTER_PID, options.pid)?;
    object.set(globals::FAILED_ONLY, options.failed)?;
    object.set(globals::FILTER_ERRNO, options.errno)?;
    object.set(globals::BY_PROCESS, options.by_process)?;
    object.set(globals::MEASURE_TIME, options.latency)?;
    // Whoever does not measure time does not pay for it.
    object.program("on_enter")?.set_autoload(options.latency)
}

fn table(options: &Options) -> Result<FieldTable> {
    let mut fields = match options.by_process {
        true => vec![
            Field::of::<u32>("pid").hint("width", "7"),
            Field::of::<&str>("comm").hint("width", "22"),
        ],
        false => vec![Field::of::<&str>("syscall").hint("width", "22")],
    };
    fields.push(Field::of::<u64>("count").hint("width", "10"));
    if options.latency {
        let duration = |name| {
            Field::of::<u64>(name)
                .hint("format", "duration-ns")
                .hint("width", "10")
        };
        fields.extend([duration("total"), duration("average")]);
    }
    FieldTable::new("totals", fields)
}

impl Syscount {
    /// Shows what was counted since the last time, the most first, and takes it out of the map.
    fn show(&self) -> Result<()> {
        let mut totals = self.take_totals()?;
        totals.sort_unstable_by_key(|(key, totals)| {
            let rank = match self.options.sort_by() {
                SortBy::Count => totals.count,
                SortBy::Time => totals.time_ns,
            };
            (Reverse(rank), *key)
        });
        for (key, totals) in totals.iter().take(self.options.top) {
            self.push(*key, totals)?;
        }
        self.table.end_of_interval()
    }

    /// The sums over all CPUs.
    fn take_totals(&self) -> Result<Vec<(u32, Totals)>> {
        let mut sums = Vec::new();
        for entry in self.object.map(maps::TOTALS)?.drain()? {
            let (key, cpus) = entry?;
            let mut sum = Totals::default();
            for cpu in cpus.iter().filter(|cpu| cpu.count > 0) {
                sum.count += cpu.count;
                sum.time_ns += cpu.time_ns;
                sum.comm = cpu.comm;
            }
            sums.push((key, sum));
        }
        Ok(sums)
    }

    fn push(&self, key: u32, totals: &Totals) -> Result<()> {
        self.table.push(|row| {
            if self.options.by_process {
                row.put(key).put(&*totals.comm_str());
            } else {
                row.put(&*self.names.name(key));
            }
            row.put(totals.count);
            if self.options.latency {
                let average_ns = totals.time_ns.checked_div(totals.count);
                row.put(totals.time_ns).put(average_ns.unwrap_or(0));
            }
        })
    }
}
