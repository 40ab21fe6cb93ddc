//! stub
#![allow(missing_docs)]
pub mod b {
wasmtime::component::bindgen!({ path: "../wit", world: "eunomia:bpf/plugin", with: {"wasi:io": wasmtime_wasi_io::bindings::wasi::io},
 imports: {default: trappable}, exports: {default: async} });
}
