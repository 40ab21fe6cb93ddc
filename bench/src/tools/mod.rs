//! Whole tools: execsnoop of ecli, of libbpf-tools, of bpftrace.

pub(crate) mod burst;
pub(crate) mod instances;
pub(crate) mod start;

use std::cell::Cell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::child::{Stdout, Watched};
use crate::native::Native;

/// The program that is started many times; every line about it has this name.
const PROBE: &str = "bench-probe";

/// The tools that are measured; the first one is what the others are compared with.
#[derive(Debug)]
pub(crate) struct Tools(Vec<Tool>);

#[derive(Debug)]
struct Tool {
    name: &'static str,
    command: Vec<OsString>,
    /// Removed before each start.
    cache: Option<PathBuf>,
    /// Only its output is what the others' is, not its start.
    only_in_bursts: bool,
    /// Neither what is measured nor what that is compared with first: the table is worth having
    /// without it.
    may_fail: bool,
    /// In this part of the benchmark.
    has_failed: Cell<bool>,
}

impl Tools {
    /// Those that this machine has; `native` is the folder of the benchmark's own programs, below
    /// which the published `wasm-bpf` may be.
    pub(crate) fn find(ecli: &Path, store: &Path, native: &Path) -> Result<Self> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let find = |name: &str| {
            let mut paths = std::env::split_paths(&folders).map(|folder| folder.join(name));
            paths.find(|path| path.is_file())
        };
        let execsnoop =
            find("execsnoop").context("find execsnoop: install Debian's libbpf-tools")?;
        let ours = |name, options: &[&str]| {
            let mut command = vec![ecli.into(), "--store".into(), store.into(), "run".into()];
            command.push("execsnoop".into());
            command.extend(options.iter().map(Into::into));
            Tool::new(name, command)
        };
        let mut tools = vec![
            Tool::new("libbpf-tools", vec![execsnoop.into()]),
            ours("ecli", &[]),
            Tool {
                only_in_bursts: true,
                ..ours("ecli, starts only", &["--starts"])
            },
            Tool {
                cache: Some(eunomia_image::Store::open(store)?.cache_folder()),
                ..ours("ecli, cold", &[])
            },
        ];
        if let (Some(bpftrace), Some(script)) = (find("bpftrace"), find("execsnoop.bt")) {
            tools.push(Tool::peer("bpftrace", vec![bpftrace.into(), script.into()]));
        }
        let wasm_bpf = native.join("wasm-bpf/bin/wasm-bpf");
        if wasm_bpf.is_file() {
            let module = native.join("wasm-bpf/bootstrap.wasm");
            tools.push(Tool::peer("wasm-bpf", vec![wasm_bpf.into(), module.into()]));
        }
        Ok(Self(tools))
    }

    /// Those whose start is of interest.
    fn starting(&self) -> impl Iterator<Item = &Tool> {
        self.anew().filter(|tool| !tool.only_in_bursts)
    }

    /// Those that are compiled when they start.
    fn warm(&self) -> impl Iterator<Item = &Tool> {
        self.anew().filter(|tool| tool.cache.is_none())
    }

    /// All, whatever failed in another part.
    fn anew(&self) -> impl Iterator<Item = &Tool> {
        self.0.iter().inspect(|tool| tool.has_failed.set(false))
    }
}

fn names<'a>(tools: impl IntoIterator<Item = &'a Tool>) -> Vec<String> {
    let names = tools.into_iter().map(|tool| tool.name.to_owned());
    names.collect()
}

impl Tool {
    fn new(name: &'static str, command: Vec<OsString>) -> Self {
        Self {
            name,
            command,
            cache: None,
            only_in_bursts: false,
            may_fail: false,
            has_failed: Cell::new(false),
        }
    }

    fn peer(name: &'static str, command: Vec<OsString>) -> Self {
        Self {
            may_fail: true,
            ..Self::new(name, command)
        }
    }

    /// What `run` gives. Where a tool that may fail does, that is said aloud, and the table goes on
    /// without it: no bug of another project ends the benchmark.
    fn measured<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
        if self.has_failed.get() {
            return Ok(None);
        }
        match run() {
            Ok(value) => Ok(Some(value)),
            Err(error) if self.may_fail => {
                eprintln!(
                    "bench: {}, left out of the rest of this: {error:#}",
                    self.name
                );
                self.has_failed.set(true);
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("run {}", self.name)),
        }
    }

    fn start(&self, native: &Native, stdout: Stdout) -> Result<Watched> {
        self.start_as(native, stdout, 0)
    }

    /// Start one of several instances at once.
    fn start_as(&self, native: &Native, stdout: Stdout, number: usize) -> Result<Watched> {
        if let Some(cache) = &self.cache {
            match std::fs::remove_dir_all(cache) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("remove {}", cache.display()));
                }
                _ => {}
            }
        }
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]);
        Watched::start(
            command,
            stdout,
            PROBE,
            &native.path(&format!("tool.{number}.stderr")),
        )
    }
}
