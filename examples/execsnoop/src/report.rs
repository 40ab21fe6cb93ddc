//! The rows that are shown.

use std::error::Error;
use std::time::{Duration, SystemTime};

use eunomia_bpf::output::{Field, FieldTable};
use eunomia_bpf::{RawRecord, Result, host};

use crate::bpf::{Event, EventKind, EventRef};
use crate::options::Options;

pub(crate) struct Report {
    table: FieldTable,
    /// The time from which the kernel counts the time of events.
    epoch: SystemTime,
    quote: bool,
    /// Kept for its memory.
    arguments: String,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let is_hidden = |is_shown: bool| if is_shown { "false" } else { "true" };
        let fields = [
            Field::of::<u64>("time")
                .hint("format", "time-ns")
                .hint("hidden", is_hidden(options.time)),
            Field::of::<&str>("event").hint("width", "5"),
            Field::of::<u32>("pid").hint("width", "7"),
            Field::of::<u32>("ppid").hint("width", "7"),
            Field::of::<u32>("uid").hint("width", "5"),
            Field::of::<&str>("comm").hint("width", "15"),
            Field::of::<u32>("code").hint("width", "4").optional(),
            Field::of::<&str>("signal").hint("width", "7").optional(),
            Field::of::<u64>("duration")
                .hint("format", "duration-ns")
                .hint("width", "8")
                .optional(),
            Field::of::<&str>("file").hint("width", "20").optional(),
            Field::of::<&str>("arguments").optional(),
        ];
        Ok(Self {
            table: FieldTable::new("processes", fields)?,
            epoch: host::boot_epoch(),
            quote: options.quote,
            arguments: String::new(),
        })
    }

    pub(crate) fn push(&mut self, record: &RawRecord<'_>) -> Result<(), Box<dyn Error>> {
        let event = record.view::<Event>().ok_or("a record is too short")?;
        let text = &record.payload()[Event::TAIL_OFFSET..];
        match event.kind() {
            EventKind::EVENT_EXEC => self.push_exec(event, text),
            _ => self.push_exit(event),
        }
    }

    fn push_exec(&mut self, event: EventRef<'_>, text: &[u8]) -> Result<(), Box<dyn Error>> {
        let (file, arguments) = text
            .split_at_checked(event.file_bytes() as usize)
            .ok_or("a record ends in its file name")?;
        self.join(arguments);
        if event.argument_bytes() < event.argument_bytes_total() {
            self.arguments.push_str("...");
        }
        let time = self.unix_time_ns(event);
        self.table.push(|row| {
            row.put(time).put("exec");
            row.put(event.pid()).put(event.ppid()).put(event.uid());
            row.put(&*event.comm_str());
            row.put_option(None::<u32>);
            row.put_option(None::<&str>);
            row.put_option(None::<u64>);
            row.put(&*String::from_utf8_lossy(without_nul(file)));
            row.put(&*self.arguments);
        })?;
        Ok(())
    }

    fn push_exit(&self, event: EventRef<'_>) -> Result<(), Box<dyn Error>> {
        let signal = event.exit_status() & 0x7f;
        let code = event.exit_status() >> 8;
        self.table.push(|row| {
            row.put(self.unix_time_ns(event)).put("exit");
            row.put(event.pid()).put(event.ppid()).put(event.uid());
            row.put(&*event.comm_str());
            row.put_option((signal == 0).then_some(code));
            row.put_option((signal != 0).then(|| signal_name(signal)).as_deref());
            row.put(event.duration_ns());
            row.put_option(None::<&str>);
            row.put_option(None::<&str>);
        })?;
        Ok(())
    }

    /// Puts arguments that end with a NUL each into one line.
    fn join(&mut self, arguments: &[u8]) {
        let mark = if self.quote { "\"" } else { "" };
        self.arguments.clear();
        if arguments.is_empty() {
            return;
        }
        for argument in without_nul(arguments).split(|byte| *byte == 0) {
            if !self.arguments.is_empty() {
                self.arguments.push(' ');
            }
            self.arguments.push_str(mark);
            self.arguments.push_str(&String::from_utf8_lossy(argument));
            self.arguments.push_str(mark);
        }
    }

    fn unix_time_ns(&self, event: EventRef<'_>) -> u64 {
        let time = self.epoch + Duration::from_nanos(event.time_ns());
        let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH);
        since_1970.map_or(0, |duration| duration.as_nanos() as u64)
    }
}

fn without_nul(text: &[u8]) -> &[u8] {
    text.strip_suffix(&[0]).unwrap_or(text)
}

/// Signals 1 to 31, the same on all CPUs that BPF objects are built for.
const SIGNALS: &str = "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT \
    CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";

fn signal_name(number: u32) -> String {
    let mut names = SIGNALS.split_ascii_whitespace();
    match names.nth(number.wrapping_sub(1) as usize) {
        Some(name) => format!("SIG{name}"),
        None => format!("SIG{number}"),
    }
}
