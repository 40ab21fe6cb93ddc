//! What a tool can do, computed from its parts: the instructions of its BPF programs and the
//! imports of its component. Nothing is loaded, and no kernel is asked.
//!
//! An image states its permissions when it is built; a host that decides by them computes them
//! again from what it is about to run, and refuses an image that states less
//! ([`Permissions::beyond`]). What is computed is an upper bound: code that is never reached counts
//! too.

mod elf;
mod helper;
mod instruction;
mod types;

pub(crate) use helper::name as helper_name;

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind, Result};
use crate::tool::{Tool, interfaces};

/// What a tool can do. Each set is sorted, as an image states it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Types of BPF programs, in libbpf's spelling: `tracepoint`; `unspec` for programs in a
    /// section that libbpf does not know.
    pub program_types: BTreeSet<String>,
    /// Sections of BPF programs, which say where they attach unless the guest says otherwise:
    /// `tracepoint/sched/sched_process_exec`.
    pub attach_targets: BTreeSet<String>,
    /// Helpers that BPF code calls: `bpf_map_lookup_elem`.
    pub helpers: BTreeSet<String>,
    /// Kernel functions (kfuncs) that BPF code calls, by name; `#ID` where the object has a BTF id
    /// in place of a name.
    pub kernel_functions: BTreeSet<String>,
    /// Names under which maps are declared to be pinned, and so shared.
    pub pinned_maps: BTreeSet<String>,
    /// Interfaces that the component imports, without versions: `wasi:cli/stdout`.
    pub imports: BTreeSet<String>,
}

impl Permissions {
    /// Computes those of a tool; its component may be missing (no bytes).
    ///
    /// # Errors
    /// `InvalidObject` for a BPF object that cannot be read, `InvalidComponent` for a component.
    pub fn of(tool: &Tool) -> Result<Self> {
        let mut permissions = Self::default();
        for (name, bytes) in &tool.objects {
            elf::read(bytes, &mut permissions).map_err(|reason| {
                Error::new(
                    ErrorKind::InvalidObject,
                    format!("read what BPF object `{name}` can do: {reason}"),
                )
            })?;
        }
        if !tool.component.is_empty() {
            let imports = interfaces(&tool.component)
                .map(|found| found.imports)
                .map_err(|reason| {
                    Error::new(
                        ErrorKind::InvalidComponent,
                        format!("open the component of `{}`: {reason}", tool.name),
                    )
                })?;
            let names = imports.iter().map(|import| without_version(import));
            permissions.imports.extend(names);
        }
        Ok(permissions)
    }

    /// The sets with the names by which people and images call them.
    pub fn named(&self) -> [(&'static str, &BTreeSet<String>); 6] {
        [
            ("program types", &self.program_types),
            ("attach targets", &self.attach_targets),
            ("helpers", &self.helpers),
            ("kernel functions", &self.kernel_functions),
            ("pinned maps", &self.pinned_maps),
            ("imports", &self.imports),
        ]
    }

    /// What this has and `stated` lacks, set by set; empty when `stated` covers all of it.
    pub fn beyond(&self, stated: &Self) -> Vec<(&'static str, Vec<String>)> {
        self.named()
            .into_iter()
            .zip(stated.named())
            .map(|((name, own), (_, stated))| (name, own.difference(stated).cloned().collect()))
            .filter(|(_, missing): &(_, Vec<String>)| !missing.is_empty())
            .collect()
    }
}

/// `wasi:cli/stdout@0.2.6` is `wasi:cli/stdout`.
fn without_version(interface: &str) -> String {
    interface.split('@').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_stated_is_listed_set_by_set() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let computed = Permissions {
            program_types: set(&["kprobe", "xdp"]),
            helpers: set(&["bpf_send_signal"]),
            ..Permissions::default()
        };
        let stated = Permissions {
            program_types: set(&["kprobe", "tracepoint"]),
            ..Permissions::default()
        };
        assert_eq!(
            computed.beyond(&stated),
            [
                ("program types", vec!["xdp".to_owned()]),
                ("helpers", vec!["bpf_send_signal".to_owned()])
            ]
        );
        assert!(computed.beyond(&computed).is_empty());
    }

    #[test]
    fn versions_do_not_count() {
        assert_eq!(without_version("wasi:cli/stdout@0.2.6"), "wasi:cli/stdout");
        assert_eq!(without_version("host"), "host");
    }
}
