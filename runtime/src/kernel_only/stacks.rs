//! Stacks that rows name by an identifier, from the map that has their addresses.

use std::sync::Arc;

use eunomia_formats::StackLookup;
use eunomia_host_abi::Result;
use eunomia_host_abi::kernel::{Map, Object};

/// The stacks of one source's rows.
#[derive(Default)]
pub(super) struct Stacks(Vec<(Arc<dyn Map>, StackLookup)>);

impl Stacks {
    pub(super) fn open(object: &dyn Object, lookups: &[StackLookup]) -> Result<Self> {
        let stacks = lookups
            .iter()
            .map(|lookup| Ok((object.map(&lookup.map)?, lookup.clone())));
        stacks.collect::<Result<_>>().map(Self)
    }

    /// Put the addresses into a row. A stack that the map has not, or not any more, is empty.
    pub(super) fn fill(&self, row: &mut [u8]) {
        for (map, lookup) in &self.0 {
            let word = |at: usize| row.get(at..)?.first_chunk::<4>();
            let present = lookup
                .present_at
                .is_none_or(|at| row.get(at..at + 8).is_some_and(|it| it != [0; 8]));
            let Some(id) = word(lookup.id_at).filter(|_| present) else {
                continue;
            };
            let Ok(Some(addresses)) = map.lookup(id, 0) else {
                continue;
            };
            let bytes = addresses.len().min(lookup.bytes);
            if let Some(place) = row.get_mut(lookup.at..lookup.at + bytes) {
                place.copy_from_slice(&addresses[..bytes]);
            }
        }
    }
}
