//! BPF objects: the kernel side of the tool.

use std::fmt;
use std::marker::PhantomData;

use crate::attach::Link;
use crate::bindings::eunomia::bpf::bpf_object as host;
use crate::btf::Btf;
use crate::error::{Error, ErrorCode, Result};
use crate::map::{AnyMapName, MapInfo, OpenMap, RawMap};
use crate::names::{Global, PerfEventArrayName, RingBufferName, UserRingBufferName};
use crate::perf_buffer::PerfBuffer;
use crate::program::{OpenProgram, Program, ProgramInfo};
use crate::record::{self, Record};
use crate::ring_buffer::RingBuffer;
use crate::user_ring_buffer::UserRingBuffer;

pub use host::GlobalInfo;

/// An object that is opened but not loaded: constants and map sizes can still be set.
pub type OpenObject = Object<Open>;

/// An object whose maps exist and whose programs are verified.
pub type LoadedObject = Object<Loaded>;

/// The phase of an [`OpenObject`].
#[derive(Debug)]
pub struct Open(());

/// The phase of a [`LoadedObject`].
#[derive(Debug)]
pub struct Loaded(());

/// A BPF object of the guest's image. Its phase is part of its type: [`OpenObject`],
/// [`LoadedObject`].
///
/// It is unloaded when it and everything that was made from it (maps, links, buffers) are dropped.
///
/// ```no_run
/// use eunomia_bpf::{Global, Object, Result};
///
/// const TARG_PID: Global<i32> = Global::new("targ_pid");
///
/// fn start() -> Result<()> {
///     let object = Object::open("execsnoop")?;
///     object.set(TARG_PID, 42)?;
///     let object = object.load()?;
///     let _links = object.attach()?;
///     // ...
///     Ok(())
/// }
/// ```
pub struct Object<Phase> {
    handle: host::BpfObject,
    phase: PhantomData<Phase>,
}

/// The names of the objects in the guest's image, the default one first.
pub fn list_objects() -> Vec<String> {
    host::list_objects()
}

impl Object<Open> {
    /// Open an object by its name in the image; generated bindings have it as `OBJECT`. Opening it
    /// again makes another instance, with maps of its own.
    ///
    /// # Errors
    /// `NotFound` when the image has none of this name.
    pub fn open(name: &str) -> Result<OpenObject> {
        Ok(Self::new(host::BpfObject::open(name)?))
    }

    /// Open the default object of the image; the only one, in most.
    ///
    /// # Errors
    /// `NotFound` when the image has none.
    pub fn open_default() -> Result<OpenObject> {
        Self::open("")
    }

    /// A program, which need not be loaded.
    ///
    /// # Errors
    /// `NotFound` when the object has none of this name.
    pub fn program(&self, name: &str) -> Result<OpenProgram> {
        Ok(OpenProgram::new(self.handle.program(name)?))
    }

    /// A map, whose shape can still change.
    ///
    /// # Errors
    /// `NotFound` when the object has none of this name.
    pub fn map(&self, name: impl AnyMapName) -> Result<OpenMap> {
        Ok(OpenMap::new(self.handle.map(name.map_name())?))
    }

    /// Create the maps, relocate the programs to this kernel and have them verified.
    ///
    /// # Errors
    /// `Rejected` with the end of the verifier's log; `PermissionDenied` and `DeniedByPolicy`;
    /// `NotSupported` for what this kernel lacks.
    pub fn load(self) -> Result<LoadedObject> {
        self.handle.load()?;
        Ok(Object::new(self.handle))
    }
}

impl Object<Loaded> {
    /// Attach every program to where its ELF section (or the operator) says; programs that need a
    /// target and have none are passed over. All or nothing. Dropping a link detaches.
    ///
    /// # Errors
    /// The host's.
    #[must_use = "dropping the links detaches the programs"]
    pub fn attach(&self) -> Result<Vec<Link>> {
        let links = self.handle.attach()?;
        Ok(links.into_iter().map(Link::new).collect())
    }

    /// Register a `struct_ops` map.
    ///
    /// # Errors
    /// The host's.
    pub fn attach_struct_ops(&self, map: impl AsRef<RawMap>) -> Result<Link> {
        let link = self.handle.attach_struct_ops(map.as_ref().handle())?;
        Ok(Link::new(link))
    }

    /// A program.
    ///
    /// # Errors
    /// `NotFound` when the object has none of this name.
    pub fn program(&self, name: &str) -> Result<Program> {
        Ok(Program::new(self.handle.program(name)?))
    }

    /// A map: with types when the name has them, else as bytes.
    ///
    /// # Errors
    /// `NotFound` when the object has none of this name; `InvalidArgument` when the types of the
    /// name are not those of the map.
    pub fn map<N: AnyMapName>(&self, name: N) -> Result<N::Map> {
        name.typed(self.raw_map(name.map_name())?)
    }

    /// Start reading a ring buffer. There can be one reader.
    ///
    /// # Errors
    /// `Busy` when there is a reader already.
    pub fn ring_buffer(&self, name: RingBufferName) -> Result<RingBuffer> {
        RingBuffer::open(&self.raw_map(name.name())?, name.name())
    }

    /// Start reading a perf event array, with the host's default of pages for each CPU.
    ///
    /// # Errors
    /// `Busy` when there is a reader already.
    pub fn perf_buffer(&self, name: PerfEventArrayName) -> Result<PerfBuffer> {
        self.perf_buffer_with_pages(name, 0)
    }

    /// The same with so many pages for each CPU: a power of two of at most 4096.
    ///
    /// # Errors
    /// `Busy` when there is a reader already.
    pub fn perf_buffer_with_pages(
        &self,
        name: PerfEventArrayName,
        pages_per_cpu: u32,
    ) -> Result<PerfBuffer> {
        PerfBuffer::open(&self.raw_map(name.name())?, name.name(), pages_per_cpu)
    }

    /// Start writing a user ring buffer. There can be one writer.
    ///
    /// # Errors
    /// `Busy` when there is a writer already.
    pub fn user_ring_buffer(&self, name: UserRingBufferName) -> Result<UserRingBuffer> {
        UserRingBuffer::open(&self.raw_map(name.name())?)
    }

    fn raw_map(&self, name: &str) -> Result<RawMap> {
        Ok(RawMap::new(self.handle.map(name)?))
    }
}

impl<Phase> Object<Phase> {
    fn new(handle: host::BpfObject) -> Self {
        Self {
            handle,
            phase: PhantomData,
        }
    }

    pub(crate) fn handle(&self) -> &host::BpfObject {
        &self.handle
    }

    /// Set a global variable; constants only before load. A value that the operator gave
    /// (`ecli run --global NAME=VALUE`) takes precedence.
    ///
    /// # Errors
    /// `InvalidState` for a constant of a loaded object, `NotFound`, and `InvalidArgument` when it
    /// has another size than `T`.
    pub fn set<T: Record>(&self, global: Global<T>, value: T) -> Result<()> {
        record::with_bytes(&value, |bytes| self.set_bytes(global.name(), bytes))
    }

    /// The value of a global variable; before load its initial value.
    ///
    /// # Errors
    /// `NotFound`, and `InvalidArgument` when it has another size than `T`.
    pub fn get<T: Record>(&self, global: Global<T>) -> Result<T> {
        let name = global.name();
        let bytes = self.get_bytes(name)?;
        let value = T::read_from(&bytes).filter(|_| bytes.len() == T::SIZE);
        value.ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidArgument,
                format!(
                    "get global \"{name}\": it has {} bytes, the guest's type {}",
                    bytes.len(),
                    T::SIZE
                ),
            )
        })
    }

    /// Set the bytes of a global variable, whose name the guest learns at run time.
    ///
    /// # Errors
    /// As [`Object::set`].
    pub fn set_bytes(&self, name: &str, value: &[u8]) -> Result<()> {
        Ok(self.handle.set_global(name, value)?)
    }

    /// The bytes of a global variable.
    ///
    /// # Errors
    /// `NotFound` when the object has none of this name.
    pub fn get_bytes(&self, name: &str) -> Result<Vec<u8>> {
        Ok(self.handle.get_global(name)?)
    }

    /// Every program.
    pub fn programs(&self) -> Vec<ProgramInfo> {
        self.handle.programs()
    }

    /// Every map, those of global data (`.rodata`, `.data`, `.bss`) included.
    pub fn maps(&self) -> Vec<MapInfo> {
        self.handle.maps()
    }

    /// Every global variable.
    pub fn globals(&self) -> Vec<GlobalInfo> {
        self.handle.globals()
    }

    /// The types of the object, for guests that learn layouts at run time.
    ///
    /// # Errors
    /// `NotFound` when it has none.
    pub fn btf(&self) -> Result<Btf> {
        Ok(Btf::new(self.handle.btf()?))
    }
}

impl<Phase> fmt::Debug for Object<Phase> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Object").field(&self.handle).finish()
    }
}
