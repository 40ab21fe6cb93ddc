//! BPF Type Format, for guests that learn layouts at run time; others have them generated.

use crate::bindings::eunomia::bpf::btf as host;
use crate::error::Result;

pub use host::{
    ArrayType, EnumType, Enumerator, ForwardKind, FunctionType, IntEncoding, IntegerType, Linked,
    Member, Parameter, SectionVariable, Tagged, TypeDescription, TypeId, TypeKind,
};

/// The types of one BPF object.
#[derive(Debug)]
pub struct Btf {
    handle: host::Btf,
}

impl Btf {
    pub(crate) fn new(handle: host::Btf) -> Self {
        Self { handle }
    }

    /// Number of types; ids run from 0 to one less.
    pub fn count(&self) -> u32 {
        self.handle.count()
    }

    /// A type by its number.
    ///
    /// # Errors
    /// `InvalidArgument` from the number of types on.
    pub fn describe(&self, id: TypeId) -> Result<TypeDescription> {
        Ok(self.handle.describe(id)?)
    }

    /// The first type of this name; `struct event` says which kind is meant.
    pub fn find(&self, name: &str) -> Option<TypeId> {
        self.handle.find(name)
    }

    /// A type and every type that its layout needs, the type itself first.
    ///
    /// # Errors
    /// `LimitExceeded` beyond 4096.
    pub fn closure(&self, id: TypeId) -> Result<Vec<TypeDescription>> {
        Ok(self.handle.closure(id)?)
    }
}
