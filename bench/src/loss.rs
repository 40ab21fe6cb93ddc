//! Records that found a ring of 1 MiB full, while one CPU makes them as fast as it can and another
//! one counts them by key.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};

use crate::native::Native;
use crate::report::{Case, Group};
use crate::samples::Samples;

const RING_BYTES: u32 = 1 << 20;
/// Each system call of the producer makes so many: `RECORDS_A_CALL` of `bench.bpf.c`.
const RECORDS_A_CALL: u64 = 1024;

/// Who wakes the reader.
const WAKES: [(&str, u32); 2] = [
    ("the kernel wakes a reader that waits", 0),
    ("one record in 1,024 wakes the reader", 1024),
];

/// How the reader gets its CPU: what goes in front of its command.
const TURNS: [(&str, &[&str]); 2] = [
    ("", &[]),
    (
        ", which has its CPU first (SCHED_FIFO)",
        &["chrt", "--fifo", "1"],
    ),
];

/// The programs that read.
#[derive(Debug)]
pub(crate) struct Readers<'p> {
    pub(crate) ecli: &'p Path,
    pub(crate) store: &'p Path,
    pub(crate) native: &'p Native,
}

/// What happened in one run.
#[derive(Debug)]
struct Run {
    made: u64,
    lost: u64,
    /// From the first record to the last.
    made_in: Duration,
    /// While others had the CPU of the thread that reads.
    waited_s: f64,
    /// While the machine that this one is on had the CPUs.
    stolen_s: f64,
    /// Of that thread.
    cpu_s: f64,
}

pub(crate) fn measure(readers: &Readers, records: u64, rounds: usize) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for (turn, before) in TURNS {
        for (wake, records_a_wake) in WAKES {
            let mut runs = [const { Vec::new() }; 2];
            // Once for nothing: the guest is compiled then.
            for round in 0..=rounds {
                let commands = [readers.native(), readers.guest()];
                for (runs, words) in runs.iter_mut().zip(commands) {
                    let run = run(before, &words, records_a_wake, records)?;
                    runs.extend((round > 0).then_some(run));
                }
            }
            groups.push(Group {
                title: format!("{} million records, {wake}{turn}", records / 1_000_000),
                unit: "units as named",
                subjects: vec!["C, libbpf".into(), "Rust guest".into()],
                cases: cases(&runs),
            });
        }
    }
    Ok(groups)
}

fn cases(runs: &[Vec<Run>; 2]) -> Vec<Case> {
    let case = |name: &str, value: fn(&Run) -> f64| Case {
        name: name.into(),
        cells: runs
            .iter()
            .map(|runs| Samples::new(runs.iter().map(value).collect()))
            .collect(),
    };
    vec![
        case("made a second, million", |run| {
            run.made as f64 / run.made_in.as_secs_f64() / 1e6
        }),
        case("lost, records", |run| run.lost as f64),
        case("lost, %", |run| 100.0 * run.lost as f64 / run.made as f64),
        case("reader waited for its CPU, ms", |run| run.waited_s * 1e3),
        case("the hypervisor took CPUs for, ms", |run| run.stolen_s * 1e3),
        case("CPU time of the reader, s", |run| run.cpu_s),
    ]
}

impl Readers<'_> {
    fn native(&self) -> Vec<OsString> {
        let mut words = self.native.reader();
        words.push("loss".into());
        words
    }

    fn guest(&self) -> Vec<OsString> {
        let options = ["--store".into(), self.store.into()];
        let words = ["run", "bench", "loss"].map(OsString::from);
        [self.ecli.into()]
            .into_iter()
            .chain(options)
            .chain(words)
            .collect()
    }
}

fn run(before: &[&str], words: &[OsString], records_a_wake: u32, records: u64) -> Result<Run> {
    let [first, second] = two_cpus()?;
    let producer = Producer::start(first, records / RECORDS_A_CALL)?;
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &second.to_string()]);
    command.args(before).args(words);
    let numbers = [producer.thread, RING_BYTES, records_a_wake, 0];
    command.args(numbers.map(|number| number.to_string()));
    let reader = Reader::start(command)?;
    let stolen_before = stolen()?;
    let made_in = producer.produce()?;
    let stolen_s = stolen()? - stolen_before;
    let [cpu_s, waited_s] = reader.times()?;
    let counts = reader.stop()?;
    let [mut made, mut lost] = [0; 2];
    for (key, [key_made, key_received, key_lost]) in counts.into_iter().enumerate() {
        ensure!(
            key_made == key_received + key_lost,
            "of key {key} {key_made} were made, {key_received} read, {key_lost} lost"
        );
        made += key_made;
        lost += key_lost;
    }
    Ok(Run {
        made,
        lost,
        made_in,
        waited_s,
        stolen_s,
        cpu_s,
    })
}

/// Seconds for which all CPUs of this machine were taken, in steps of a hundredth.
fn stolen() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/stat").context("read /proc/stat")?;
    let ticks = text.split_whitespace().nth(8).map(str::parse::<f64>);
    Ok(ticks.context("read /proc/stat: it is short")?? / 100.0)
}

/// Two that this process may use.
fn two_cpus() -> Result<[usize; 2]> {
    let allowed = sched_getaffinity(None).context("read which CPUs there are")?;
    let mut cpus = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
    match (cpus.next(), cpus.next()) {
        (Some(first), Some(second)) => Ok([first, second]),
        _ => bail!("make records and read them at once: that takes two CPUs"),
    }
}

/// A thread each system call of which makes records, once a reader is attached.
#[derive(Debug)]
struct Producer {
    thread: u32,
    go: Sender<()>,
    produces: JoinHandle<Duration>,
}

impl Producer {
    /// On a CPU of its own; it waits.
    fn start(cpu: usize, calls: u64) -> Result<Self> {
        let (tell, told) = channel();
        let (go, start) = channel();
        let produces = std::thread::spawn(move || {
            let mut cpus = CpuSet::new();
            cpus.set(cpu);
            let pinned = sched_setaffinity(None, &cpus);
            let _ = tell.send((pinned, gettid())); // The other end waits for it.
            // Without a reader there is nothing to do.
            if start.recv().is_err() {
                return Duration::ZERO;
            }
            let begin = Instant::now();
            for _ in 0..calls {
                std::hint::black_box(rustix::process::getppid());
            }
            begin.elapsed()
        });
        let (pinned, thread) = told.recv().context("start the producer")?;
        pinned.with_context(|| format!("keep the producer on CPU {cpu}"))?;
        let thread = thread.as_raw_nonzero().get().unsigned_abs();
        Ok(Self {
            thread,
            go,
            produces,
        })
    }

    /// How long it took.
    fn produce(self) -> Result<Duration> {
        self.go.send(()).context("tell the producer to begin")?;
        let Ok(time) = self.produces.join() else {
            bail!("the producer panicked");
        };
        Ok(time)
    }
}

/// A program that reads. Dropping it ends it.
#[derive(Debug)]
struct Reader {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Reader {
    /// Returns when it is attached.
    fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        let output = child.stdout.take().context("stdout is piped")?;
        let mut reader = Self {
            child,
            output: BufReader::new(output),
        };
        let mut line = String::new();
        reader.output.read_line(&mut line)?;
        ensure!(line == "attached\n", "{command:?} says {line:?}");
        Ok(reader)
    }

    /// Seconds that the thread which reads ran, and that it could have run while others did. It is
    /// the one that ran longest.
    fn times(&self) -> Result<[f64; 2]> {
        let folder = format!("/proc/{}/task", self.child.id());
        let mut longest = [0.0; 2];
        for thread in std::fs::read_dir(&folder).with_context(|| format!("read {folder}"))? {
            let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            let mut words = text.split(' ').map(str::parse::<f64>);
            let (Some(Ok(ran)), Some(Ok(waited))) = (words.next(), words.next()) else {
                bail!("read schedstat: {text}");
            };
            if ran > longest[0] {
                longest = [ran, waited];
            }
        }
        Ok(longest.map(|nanoseconds| nanoseconds / 1e9))
    }

    /// By key: how many were made, how many it read, how many were lost.
    fn stop(mut self) -> Result<Vec<[u64; 3]>> {
        kill_process(Pid::from_child(&self.child), Signal::INT).context("stop the reader")?;
        let mut text = String::new();
        self.output.read_to_string(&mut text)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the reader ended with {status}");
        let numbers = |line: &str| -> Result<[u64; 3]> {
            let words = line.split(' ').map(str::parse);
            let words: Vec<u64> = words.collect::<Result<_, _>>()?;
            words.try_into().ok().with_context(|| line.to_owned())
        };
        text.lines().map(numbers).collect()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}
