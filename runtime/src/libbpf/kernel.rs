//! The kernel itself.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eunomia_btf::Btf;
use eunomia_host_abi::kernel::{BoxFuture, Failure, Kernel, Object, Symbol};
use eunomia_host_abi::target::Section;
use eunomia_host_abi::{Error, ErrorKind, Result};
use libbpf_rs::{ObjectBuilder, OpenObject};
use rustix::time::ClockId;

use super::failure::{errno_of, with_words};
use super::host;
use super::kernel_types::{self, TypesFile};
use super::object::LibbpfObject;
use super::pins::Pins;
use super::symbols::Symbols;
use super::{log, raw};
use crate::cache::Cache;

/// How a [`LibbpfKernel`] works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where shared maps are pinned; a folder of a BPF file system. It is created when first
    /// needed. Default: `/sys/fs/bpf/ecli`.
    pub pin_root: PathBuf,
    /// A file with the BTF of the running kernel, for kernels that do not show their own; it is
    /// used also where the kernel shows them. Default: none.
    pub btf_path: Option<PathBuf>,
    /// The part of the BTF of the running kernel that the objects need, as images carry it: for
    /// kernels that do not show their own, and only there. `btf_path` goes before it. Default:
    /// none.
    pub carried_btf: Option<Arc<[u8]>>,
    /// Use perf buffers in place of ring buffers, which is otherwise done on kernels that have
    /// none; objects whose programs cannot are refused. Default: no.
    pub perf_buffers: bool,
    /// Pin all maps, programs and links here, so that they survive. Default: nothing survives but
    /// shared maps.
    pub pins: Option<Arc<Pins>>,
    /// Where it is kept what objects need of the kernel's types, so that libbpf need not read all
    /// of them at each start. A folder that nobody else can write to, made when it is missing.
    /// Default: nowhere.
    pub cache_dir: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pin_root: PathBuf::from("/sys/fs/bpf/ecli"),
            btf_path: None,
            carried_btf: None,
            perf_buffers: false,
            pins: None,
            cache_dir: None,
        }
    }
}

/// The kernel of this machine.
///
/// Making one sets libbpf's print function for the whole process: what libbpf warns of becomes part
/// of the errors, its debug output goes to `tracing` (target `libbpf`) if a subscriber wants it by
/// then.
#[derive(Debug)]
pub struct LibbpfKernel {
    options: Options,
    /// None: `/sys` does not tell.
    possible_cpus: Option<u32>,
    symbols: Symbols,
    cache: Option<Cache>,
    /// [`Options::carried_btf`], where it is needed.
    carried: Option<TypesFile>,
    failure: LastFailure,
}

/// What failed last, for all objects of a kernel.
#[derive(Clone, Debug, Default)]
pub(super) struct LastFailure(Arc<Mutex<Option<Failure>>>);

impl LastFailure {
    pub(super) fn note(&self, object: &str, program: Option<&str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Failure {
            object: object.to_owned(),
            program: program.map(str::to_owned),
        });
    }
}

impl LibbpfKernel {
    /// A kernel that works as [`Options::default`] says.
    pub fn new() -> Self {
        Self::with_options(Options::default())
    }

    /// A kernel that works as `options` say.
    pub fn with_options(options: Options) -> Self {
        log::install();
        let possible_cpus = libbpf_rs::num_possible_cpus();
        // The operator's own file is taken as it is.
        let dir = options
            .cache_dir
            .as_ref()
            .filter(|_| options.btf_path.is_none());
        let cache = dir.and_then(|dir| {
            Cache::open(dir)
                .inspect_err(|error| {
                    tracing::warn!(%error, dir = %dir.display(), "do without kept kernel types");
                })
                .ok()
        });
        let carried = options.carried_btf.as_ref();
        let carried = carried.filter(|_| options.btf_path.is_none() && !host::shows_types());
        // An image's bytes are anybody's: libbpf gets none that are not BTF.
        let carried = carried.filter(|bytes| {
            let parsed = Btf::parse(bytes);
            let parsed = parsed.inspect_err(|error| tracing::warn!(%error, "the image's types"));
            parsed.is_ok()
        });
        let carried = carried.and_then(|bytes| kernel_types::memory_file(bytes));
        Self {
            cache,
            carried,
            options,
            possible_cpus: possible_cpus.ok().and_then(|cpus| u32::try_from(cpus).ok()),
            symbols: Symbols::default(),
            failure: LastFailure::default(),
        }
    }

    /// Whether the kernel finds a symbol by name, which it also does with what has no address.
    pub(crate) fn lists_symbol(&self, name: &str) -> Result<bool> {
        self.symbols.is_listed(name)
    }

    /// libbpf does not say which file it misses.
    fn check_btf_path(&self, operation: &str) -> Result<()> {
        match &self.options.btf_path {
            Some(path) if !path.is_file() => Err(Error::new(
                ErrorKind::NotFound,
                format!("{operation}: there is no BTF file {}", path.display()),
            )),
            _ => Ok(()),
        }
    }

    fn builder(&self, name: &str, part: Option<&TypesFile>) -> libbpf_rs::Result<ObjectBuilder> {
        let mut builder = ObjectBuilder::default();
        builder.name(name)?.pin_root_path(&self.options.pin_root)?;
        if let Some(path) = &self.options.btf_path {
            builder.btf_custom_path(path)?;
        } else if let Some(types) = part.or(self.carried.as_ref()) {
            builder.btf_custom_path(types.path())?;
        }
        Ok(builder)
    }
}

impl Default for LibbpfKernel {
    fn default() -> Self {
        Self::new()
    }
}

/// Give programs their types whose sections libbpf does not know any more, but [`Section`] does.
fn give_types(object: &mut OpenObject) {
    for mut program in object.progs_mut() {
        let section = program.section().to_string_lossy().into_owned();
        if raw::program_type(&program) != libbpf_sys::BPF_PROG_TYPE_UNSPEC {
            continue;
        }
        if let Some(section) = Section::find(&section) {
            program.set_prog_type(section.program_type.into());
            program.set_attach_type(section.attach_type.into());
        }
    }
}

impl Kernel for LibbpfKernel {
    fn open_object(&self, name: &str, elf: &[u8]) -> Result<Box<dyn Object>> {
        let operation = format!("open object `{name}`");
        check_elf(&operation, elf)?;
        // Without it the size of per-CPU values is unknown, and with it how much the kernel writes.
        let possible_cpus = self.possible_cpus.ok_or_else(|| {
            Error::new(
                ErrorKind::NotSupported,
                format!("{operation}: count the CPUs: read /sys/devices/system/cpu/possible"),
            )
        })?;
        self.check_btf_path(&operation)?;
        let cache = self.cache.as_ref();
        let part = cache.and_then(|cache| kernel_types::part_for(cache, elf));
        let open = || self.builder(name, part.as_ref())?.open_memory(elf);
        let (opened, messages) = log::captured(open);
        let mut opened = opened.map_err(|error| {
            self.failure.note(name, None);
            let mut words = with_words(&operation, &messages);
            if words.contains("BTF is required") {
                words.push_str(" compile it with debug information: `clang -g`");
            }
            // Whatever libbpf trips over, it is the file that is wrong.
            Error::from_errno(errno_of(&error), words).with_kind(ErrorKind::InvalidArgument)
        })?;
        give_types(&mut opened);
        let pin_root = self.options.pin_root.clone();
        let mut object = LibbpfObject::new(name, opened, possible_cpus, pin_root)?;
        object.has_other_types = self.options.btf_path.is_some() || self.carried.is_some();
        object.pins = self.options.pins.clone();
        object.perf_buffers = self.options.perf_buffers;
        object.kernel_types = part;
        object.failure = self.failure.clone();
        Ok(Box::new(object))
    }

    fn prepare_object(&self, elf: &[u8]) {
        if let Some(cache) = &self.cache {
            kernel_types::prepare(cache, elf);
        }
    }

    fn take_failure(&self) -> Option<Failure> {
        let last = self.failure.0.lock();
        last.unwrap_or_else(PoisonError::into_inner).take()
    }

    fn resolve_symbols(&self, addresses: &[u64]) -> Result<Vec<Option<Symbol>>> {
        self.symbols.resolve(addresses)
    }

    fn symbol_address(&self, name: &str) -> Result<Option<u64>> {
        self.symbols.address(name)
    }

    fn possible_cpus(&self) -> u32 {
        self.possible_cpus.unwrap_or(1)
    }

    fn version(&self) -> (u32, u32, u32) {
        host::kernel_version()
    }

    fn monotonic_epoch(&self) -> Duration {
        epoch(ClockId::Monotonic)
    }

    fn boot_epoch(&self) -> Duration {
        epoch(ClockId::Boottime)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// What libbpf would only call a wrong format.
fn check_elf(operation: &str, elf: &[u8]) -> Result<()> {
    // e_ident: magic, class (2: 64 bits), data (1: little-endian); e_machine at 18 (247: BPF).
    let refuse = |why: &str| {
        Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("{operation}: {why}"),
        ))
    };
    let [0x7f, b'E', b'L', b'F', class, order, ..] = *elf else {
        return refuse("it is not an ELF file");
    };
    let native = if cfg!(target_endian = "little") { 1 } else { 2 };
    if order != native {
        return refuse(
            "it was compiled for the other byte order (clang's `-target bpfel` or `bpfeb`)",
        );
    }
    let machine = elf
        .get(18..20)
        .map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    if class != 2 || machine != Some(247) {
        return refuse("it is an ELF file, but not one of BPF programs (clang's `-target bpf`)");
    }
    Ok(())
}

/// Wall-clock time at which `clock` was 0.
fn epoch(clock: ClockId) -> Duration {
    let now = |clock| {
        let time = rustix::time::clock_gettime(clock);
        Duration::new(
            u64::try_from(time.tv_sec).unwrap_or(0),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )
    };
    now(ClockId::Realtime).saturating_sub(now(clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_kind_is_refused_by_name() {
        let mut elf = [0u8; 64];
        elf[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        elf[18] = 62;
        let text = |elf: &[u8]| check_elf("open", elf).unwrap_err().to_string();
        assert!(text(b"\0asm").contains("not an ELF file"));
        assert!(text(&elf).contains("not one of BPF"));
        elf[5] = 2;
        assert!(text(&elf).contains("byte order"));
    }
}
