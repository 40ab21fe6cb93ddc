//! C source text for the types of a BPF object, as guests see them on `wasm32`, where pointers and
//! `long` have four bytes and not eight: integers have their exact width, pointers are `uint64_t`.
//! The text is a header for C and C++.
//!
//! For object `execsnoop` with `struct event { __u32 pid; char comm[16]; };`:
//!
//! ```c
//! struct event {
//!     uint32_t pid;
//!     char comm[16];
//! };
//! _Static_assert(sizeof(struct event) == 20, "..");        // and every offset
//!
//! struct execsnoop_bpf {                                     // like libbpf's skeletons
//!     struct bpf_object *obj;
//!     struct { struct bpf_map *events; } maps;
//!     struct { struct bpf_program *on_exec; } progs;         // and links; NULL: no program
//!     struct execsnoop_bpf__rodata { int32_t targ_pid; } *rodata;
//! };
//! struct execsnoop_bpf *execsnoop_bpf__open(void);
//! int execsnoop_bpf__load(struct execsnoop_bpf *skel);
//! int execsnoop_bpf__attach(struct execsnoop_bpf *skel);
//! void execsnoop_bpf__destroy(struct execsnoop_bpf *skel);
//! int execsnoop_bpf__set_targ_pid(struct execsnoop_bpf *skel, int32_t value);
//! int execsnoop_bpf__get_targ_pid(struct execsnoop_bpf *skel, int32_t *value);
//! ```
//!
//! Bit fields, unions, anonymous members and flexible arrays are what they are in C. Where C would
//! put a member elsewhere, padding is explicit or the struct packed; every offset is asserted.

mod body;
mod names;
mod sections;
mod skeleton;
mod types;

use crate::btf::Btf;
use crate::error::Result;
use crate::records::interface;
use crate::records::names::shown;
use crate::source::Source;
use types::Types;

/// What to generate.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of the BPF object in its image.
    pub object: String,
    /// Names of further types to generate, for those that no map and no variable leads to. By
    /// default none.
    pub types: Vec<String>,
}

impl Options {
    /// The defaults for an object.
    pub fn new(object: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            types: Vec::new(),
        }
    }
}

/// Generates the header for a BPF object.
///
/// # Errors
/// As [`crate::rust_types::generate`], whose limits hold here too.
pub fn generate(btf: &Btf, options: &Options) -> Result<String> {
    let mut types = Types::new(btf);
    let maps = interface::maps(btf)?;
    for map in &maps {
        types.collect_map(map).map_err(|error| map.within(error))?;
    }
    let globals = skeleton::globals(&mut types)?;
    for name in &options.types {
        let ty = btf.find_data(name)?;
        types.declare(ty.id(), name, "unused", 0)?;
    }
    let skeleton = skeleton::Skeleton::new(btf, &options.object, &maps, &globals);
    let mut source = Source::default();
    source.line(format!(
        "/* The types, variables and maps of BPF object `{}`; @generated from its BTF. */",
        shown(&options.object)
    ));
    let guard = format!("{}_SKEL_H", skeleton.prefix.to_ascii_uppercase());
    source.line(format!("#ifndef {guard}"));
    source.line(format!("#define {guard}"));
    source.line("");
    source.lines(PRELUDE);
    for item in &types.items {
        source.line("");
        source.lines(item);
    }
    source.line("");
    skeleton.emit(&mut source);
    source.line("");
    source.line("#endif");
    Ok(source.into_text())
}

const PRELUDE: &str = "\
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <eunomia_bpf.h>

#ifdef __cplusplus
#define ECLI_ASSERT static_assert
#else
#define ECLI_ASSERT _Static_assert
#endif
";
