//! Whole tools: execsnoop of ecli, of libbpf-tools, of bpftrace.

pub(crate) mod burst;
pub(crate) mod start;

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
}

impl Tools {
    /// Those that this machine has.
    pub(crate) fn find(ecli: &Path, store: &Path) -> Result<Self> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let find = |name: &str| {
            let mut paths = std::env::split_paths(&folders).map(|folder| folder.join(name));
            paths.find(|path| path.is_file())
        };
        let native = find("execsnoop").context("find execsnoop: install Debian's libbpf-tools")?;
        let ours = |cache| {
            let mut command = vec![ecli.into(), "--store".into(), store.into()];
            command.extend(["run".into(), "execsnoop".into()]);
            Tool {
                name: if cache { "ecli, cold" } else { "ecli" },
                command,
                cache: None,
            }
        };
        let cache = eunomia_image::Store::open(store)?.cache_folder();
        let mut tools = vec![
            Tool {
                name: "libbpf-tools",
                command: vec![native.into()],
                cache: None,
            },
            ours(false),
            Tool {
                cache: Some(cache),
                ..ours(true)
            },
        ];
        if let (Some(bpftrace), Some(script)) = (find("bpftrace"), find("execsnoop.bt")) {
            let command = vec![bpftrace.into(), script.into()];
            tools.push(Tool {
                name: "bpftrace",
                command,
                cache: None,
            });
        }
        Ok(Self(tools))
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|tool| tool.name.to_owned()).collect()
    }
}

impl Tool {
    fn start(&self, native: &Native, stdout: Stdout) -> Result<Watched> {
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
        Watched::start(command, stdout, PROBE, &native.path("tool.stderr"))
    }
}
