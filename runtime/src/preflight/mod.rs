//! Whether this host can run a tool, found out before the tool is loaded.
//!
//! Objects are read, not trusted: programs, maps, helpers, attach points and relocations are looked
//! up one by one, and the kernel is asked with programs and maps of our own that do nothing and are
//! gone at once. What cannot be told (a guest may switch programs off, a kernel may not say how it
//! was configured) is a warning, never a failure.

mod attach_point;
mod config;
mod elf;
mod host;
mod object;
mod relocation;

use std::path::PathBuf;

use eunomia_btf::Btf;
use eunomia_host_abi::kernel::Kernel as _;
use serde::Serialize;

use crate::libbpf::LibbpfKernel;
use crate::libbpf::host::KERNEL_BTF;
use crate::tool::Tool;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It is there.
    Fine,
    /// It may be missing, or cannot be told.
    Warning,
    /// The tool cannot run without it.
    Failing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What needs it: `host`, or an object with a program or map of it, `tool: on_exec`.
    pub subject: String,
    /// What was looked at: `helper bpf_ringbuf_reserve`.
    pub what: String,
    /// How it came out.
    pub verdict: Verdict,
    /// Why; empty when it is fine and there is no more to say.
    pub reason: String,
    /// What to do about it; empty when there is nothing.
    pub remedy: String,
}

/// All that was looked at, in this order: the host, then each object.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// One item each.
    pub findings: Vec<Finding>,
}

/// What is checked against.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A BTF file of another kernel, of which nothing but its types is known. Default: this kernel.
    pub btf_path: Option<PathBuf>,
}

/// The kernel that a tool is checked against.
struct Checked {
    /// Its types, with an index; an explanation where there are none.
    types: Result<relocation::Types, String>,
    /// The running kernel and not only a file.
    is_running: bool,
    config: config::Config,
    capabilities: Option<u64>,
}

/// What this host offers to tools at all.
pub fn check_host() -> Report {
    let checked = Checked::new(&Options::default());
    let mut report = Report::default();
    host::check(&checked, &mut report);
    report
}

/// Whether the host can load and attach the BPF objects of a tool.
pub fn check(tool: &Tool, options: &Options) -> Report {
    let checked = Checked::new(options);
    let mut report = Report::default();
    if checked.is_running {
        host::check_needed(&checked, &mut report);
    }
    let kernel = LibbpfKernel::new();
    for (name, elf) in &tool.objects {
        match kernel.open_object(name, elf) {
            Ok(opened) => object::check(&checked, name, &*opened, elf, &mut report),
            Err(error) => report.failing(name, "BPF object", &error.to_string(), ""),
        }
    }
    report
}

impl Checked {
    fn new(options: &Options) -> Self {
        let path = options.btf_path.clone();
        let is_running = path.is_none();
        let path = path.unwrap_or_else(|| KERNEL_BTF.into());
        let types = std::fs::read(&path)
            .map_err(|error| format!("read {}: {error}", path.display()))
            .and_then(|bytes| {
                // Raw, as in /sys/kernel/btf, or a section of an ELF file.
                let parsed = match bytes.starts_with(b"\x7fELF") {
                    true => Btf::from_elf(&bytes),
                    false => Btf::parse(&bytes),
                };
                parsed.map_err(|error| format!("{}: {error}", path.display()))
            });
        Self {
            types: types.map(relocation::Types::new),
            is_running,
            config: config::Config::read(),
            capabilities: crate::libbpf::host::effective_capabilities(),
        }
    }
}

impl Report {
    /// The worst of all.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.findings.iter().map(|finding| finding.verdict);
        verdicts.max().unwrap_or(Verdict::Fine)
    }

    /// What keeps the tool from running.
    pub fn failing_findings(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.verdict == Verdict::Failing)
    }

    fn add(&mut self, verdict: Verdict, [subject, what, reason, remedy]: [&str; 4]) {
        self.findings.push(Finding {
            subject: subject.to_owned(),
            what: what.to_owned(),
            verdict,
            reason: reason.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    fn fine(&mut self, subject: &str, what: &str, reason: &str) {
        self.add(Verdict::Fine, [subject, what, reason, ""]);
    }

    fn warning(&mut self, subject: &str, what: &str, reason: &str, remedy: &str) {
        self.add(Verdict::Warning, [subject, what, reason, remedy]);
    }

    fn failing(&mut self, subject: &str, what: &str, reason: &str, remedy: &str) {
        self.add(Verdict::Failing, [subject, what, reason, remedy]);
    }
}
