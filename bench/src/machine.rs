//! What the numbers were measured on.

use std::fmt;
use std::fs;
use std::process::Command;

use serde_json::{Map, Value};

/// Facts, each with its name.
#[derive(Debug)]
pub(crate) struct Machine(Vec<(&'static str, String)>);

impl Machine {
    pub(crate) fn describe() -> Self {
        let mut facts = vec![
            ("processor", format!("{} CPUs, {}", cpus(), processor())),
            ("memory", memory()),
            ("kernel", read("/proc/sys/kernel/osrelease")),
        ];
        for (name, command) in [
            ("libbpf", &["pkg-config", "--modversion", "libbpf"][..]),
            ("C compiler", &["cc", "--version"]),
            ("rustc", &["rustc", "--version"]),
            ("bpftrace", &["bpftrace", "--version"]),
            ("commit", &["git", "describe", "--always", "--dirty"]),
        ] {
            facts.extend(first_line(command).map(|line| (name, line)));
        }
        Self(facts)
    }

    pub(crate) fn to_json(&self) -> Value {
        let facts = self
            .0
            .iter()
            .map(|(name, fact)| ((*name).to_owned(), fact.as_str().into()));
        Value::Object(facts.collect::<Map<_, _>>())
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(name, fact)| writeln!(f, "{name:<11} {fact}"))
    }
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    value(&text, "model name")
        .unwrap_or("of a name that is not known")
        .to_owned()
}

fn memory() -> String {
    let text = read("/proc/meminfo");
    let kib = value(&text, "MemTotal").and_then(|value| value.split(' ').next()?.parse().ok());
    kib.map_or_else(
        || "not known".into(),
        |kib: u64| format!("{} MiB", kib >> 10),
    )
}

/// Of a line `name : value`.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// What a program says of itself; none when there is no such program.
fn first_line(command: &[&str]) -> Option<String> {
    let (program, arguments) = command.split_first()?;
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .next()
        .map(str::to_owned)
        .filter(|_| output.status.success())
}
