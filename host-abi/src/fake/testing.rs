//! What the tests of several files need.

use std::sync::Arc;

use crate::fake::{DeclaredMap, FakeKernel, FakeObject, FakeObjectBuilder};
use crate::kernel::{Kernel, Map, MapInfo, Object};

/// A map that has these sizes; the rest is 0.
pub(crate) fn map_info(name: &str, map_type: u32, sizes: (u32, u32, u32)) -> MapInfo {
    let (key_size, value_size, max_entries) = sizes;
    MapInfo {
        name: name.into(),
        map_type,
        key_size,
        value_size,
        max_entries,
        ..MapInfo::default()
    }
}

/// A kernel with one opened object, called `object`.
pub(crate) fn open(builder: FakeObjectBuilder) -> (FakeKernel, Box<dyn Object>) {
    let kernel = FakeKernel::new();
    kernel.register("object", builder.build());
    let object = kernel.open_object("object", &[]).unwrap();
    (kernel, object)
}

/// A kernel with one loaded object.
pub(crate) fn load(builder: FakeObjectBuilder) -> (FakeKernel, Box<dyn Object>) {
    let (kernel, mut object) = open(builder);
    object.load().unwrap();
    (kernel, object)
}

/// A kernel with one loaded map, called `m`.
pub(crate) fn load_map(map: impl Into<DeclaredMap>) -> (FakeKernel, Arc<dyn Map>) {
    let (kernel, object) = load(FakeObject::builder().map(map));
    let map = object.map("m").unwrap();
    (kernel, map)
}

/// The number of the error of a call that fails.
pub(crate) fn errno<T: std::fmt::Debug>(result: crate::Result<T>) -> u32 {
    result.unwrap_err().errno()
}

/// The kind of the error of a call that fails.
pub(crate) fn kind<T: std::fmt::Debug>(result: crate::Result<T>) -> crate::ErrorKind {
    result.unwrap_err().kind()
}
