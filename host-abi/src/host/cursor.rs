//! `cursor`: a walk over a map.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::BpfCtxView;
use super::bpf_map::{Access, BpfMap, check_descriptors};
use super::error::HostResult;
use super::object_state::ObjectRef;
use crate::bindings::eunomia::bpf::bpf_map::{Entries, HostCursor};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{self, Map, MapInfo, map_type};
use crate::limits::BATCH_BYTES_MAX;

/// The host's side of a `cursor` handle.
#[derive(Debug)]
pub struct Cursor {
    map: Arc<dyn Map>,
    cursor: kernel::Cursor,
    _object: ObjectRef,
}

impl Cursor {
    pub(super) fn open(map: &mut BpfMap, drain: bool) -> Result<Self> {
        let object = map.object().clone();
        let map = map.loaded("walk over a map")?;
        check_descriptors(map.info(), Access::Values)?;
        check_kind(map.info(), drain)?;
        let cursor = kernel::Cursor {
            drain,
            ..kernel::Cursor::default()
        };
        Ok(Self {
            map,
            cursor,
            _object: object,
        })
    }
}

/// Whether maps of this kind can be walked over, or emptied.
fn check_kind(info: &MapInfo, drain: bool) -> Result<()> {
    use map_type::{
        ARRAY, HASH, LPM_TRIE, LRU_HASH, LRU_PERCPU_HASH, PERCPU_ARRAY, PERCPU_HASH, QUEUE, STACK,
        STACK_TRACE,
    };
    let is_hash = matches!(
        info.map_type,
        HASH | LRU_HASH | PERCPU_HASH | LRU_PERCPU_HASH
    );
    let (doing, can) = match (drain, info.map_type) {
        (true, kind) => ("drain", is_hash || matches!(kind, QUEUE | STACK)),
        (false, ARRAY | PERCPU_ARRAY | LPM_TRIE | STACK_TRACE) => return Ok(()),
        (false, _) => ("walk over", is_hash),
    };
    if can {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::NotSupported,
        format!(
            "{doing} map `{}`: maps of type {} cannot be",
            info.name, info.type_name
        ),
    ))
}

impl HostCursor for BpfCtxView<'_> {
    fn next(&mut self, self_: Resource<Cursor>, entries_max: u32) -> HostResult<Entries> {
        let walk = self.table.get_mut(&self_)?;
        let mut entries = kernel::Entries::default();
        if walk.cursor.done {
            return Ok(Entries {
                count: 0,
                keys: entries.keys,
                values: entries.values,
            });
        }
        let info = walk.map.info();
        let entry_bytes = u64::from(info.key_size) + u64::from(info.user_value_size);
        let fit = (BATCH_BYTES_MAX as u64 / entry_bytes.max(1)).max(1);
        let fit = u32::try_from(fit).unwrap_or(u32::MAX);
        let entries_max = if entries_max == 0 {
            fit
        } else {
            entries_max.min(fit)
        };
        let count = walk
            .map
            .next_entries(&mut walk.cursor, &mut entries, entries_max)?;
        if count == 0 {
            walk.cursor.done = true;
        }
        Ok(Entries {
            count,
            keys: entries.keys,
            values: entries.values,
        })
    }

    fn drop(&mut self, rep: Resource<Cursor>) -> wasmtime::Result<()> {
        self.table.delete(rep)?;
        Ok(())
    }
}
