//! Whether this host can run a tool, found out before the tool is loaded.
//!
//! Objects are read, not trusted: programs, maps, helpers, attach points and relocations are looked
//! up one by one, and the kernel is asked with programs and maps of our own that do nothing and are
//! gone at once. What cannot be told (a kernel may not say how it was configured) is a warning,
//! never a failure. That a guest will switch a program off is not seen: its section begins with `?`
//! where it is not to count.

mod attach_point;
mod binary;
mod config;
mod elf;
mod host;
mod object;
mod relocation;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use eunomia_btf::Btf;
use eunomia_host_abi::Target;
use eunomia_host_abi::kernel::Kernel as _;
use serde::Serialize;

use crate::libbpf::host::{KERNEL_BTF, shows_types};
use crate::libbpf::{self, LibbpfKernel};
use crate::tool::Tool;

/// Bytes of a file of types: many times those of a kernel.
const TYPES_BYTES_MAX: u64 = 256 << 20;

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
    /// How the tool would be loaded into this kernel.
    pub kernel: libbpf::Options,
    /// Where programs are attached, by name, for those that are not where their sections say.
    pub targets: BTreeMap<String, Vec<Target>>,
}

/// The kernel that a tool is checked against.
struct Checked {
    /// Its types, with an index; an explanation where there are none.
    types: Result<relocation::Types, String>,
    /// The running kernel and not only a file.
    is_running: bool,
    /// Where `types` are from.
    source: Source,
    config: config::Config,
    capabilities: Option<u64>,
    /// For its symbols, which take a while to read: once.
    kernel: LibbpfKernel,
    /// Perf buffers are asked for.
    perf_buffers: bool,
}

/// Where the types of the kernel are from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The kernel shows them.
    Kernel,
    /// A file, which the kernel does not know.
    File,
    /// The image has those that its relocations need, and no others.
    Image,
}

/// What this host offers to tools that are loaded as `kernel` says.
pub fn check_host(kernel: &libbpf::Options) -> Report {
    let checked = Checked::new(&Options {
        btf_path: None,
        kernel: kernel.clone(),
        ..Options::default()
    });
    let mut report = Report::default();
    host::check(&checked, &mut report);
    report
}

/// Whether the host can load and attach the BPF objects of a tool.
pub fn check(tool: &Tool, options: &Options) -> Report {
    let checked = Checked::new(options);
    let mut report = Report::default();
    match &checked.types {
        _ if checked.is_running => host::check_needed(&checked, &mut report),
        // Nothing else is known of it.
        Err(reason) => {
            report.failing("host", "BTF", reason, "give a BTF file of that kernel");
            return report;
        }
        Ok(_) => {}
    }
    for (name, elf) in &tool.objects {
        match checked.kernel.open_object(name, elf) {
            Ok(opened) => {
                let object = object::Opened {
                    name,
                    opened: &*opened,
                    elf,
                    targets: &options.targets,
                    has_guest: !tool.component.is_empty(),
                };
                object::check(&checked, &object, &mut report);
            }
            Err(error) => report.failing(name, "BPF object", &error.to_string(), ""),
        }
    }
    report
}

impl Checked {
    /// Whether this process may load programs and make maps, so that a refusal is the kernel's.
    fn may_load(&self) -> bool {
        self.capabilities.is_some_and(host::can_load)
    }

    /// Whether [`Checked::types`] are all that the kernel has.
    fn has_all_types(&self) -> bool {
        self.source != Source::Image
    }

    fn new(options: &Options) -> Self {
        let is_running = options.btf_path.is_none();
        let file = options
            .btf_path
            .as_ref()
            .or(options.kernel.btf_path.as_ref());
        let carried = options.kernel.carried_btf.as_ref();
        let carried = carried.filter(|_| file.is_none() && !shows_types());
        let (types, source) = match (file, carried) {
            (Some(file), _) => (types_of(file), Source::File),
            (None, Some(bytes)) => {
                let types = Btf::parse(bytes);
                let named = types.map_err(|error| format!("the image's types: {error}"));
                (named, Source::Image)
            }
            (None, None) => (types_of(Path::new(KERNEL_BTF)), Source::Kernel),
        };
        Self {
            types: types.map(relocation::Types::new),
            is_running,
            source,
            config: config::Config::read(),
            kernel: LibbpfKernel::with_options(options.kernel.clone()),
            perf_buffers: options.kernel.perf_buffers,
            capabilities: crate::libbpf::host::effective_capabilities(),
        }
    }
}

fn types_of(file: &Path) -> Result<Btf, String> {
    let reading = |error: std::io::Error| format!("read {}: {error}", file.display());
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(reading)?;
    opened
        .take(TYPES_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(reading)?;
    if bytes.len() as u64 > TYPES_BYTES_MAX {
        return Err(format!(
            "read {}: it has more than {TYPES_BYTES_MAX} bytes",
            file.display()
        ));
    }
    Btf::from_file(&bytes).map_err(|error| format!("{}: {error}", file.display()))
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
