//! Maps whose slots hold other things: maps and programs.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::error::Result;
use crate::fake::errno::Errno;
use crate::fake::map::state::{Contents, MapState};
use crate::fake::map::table::Existence;
use crate::fake::shared::Shared;
use crate::kernel::map_type;

impl MapState {
    /// The map in a slot.
    pub(crate) fn inner_map(&self, key: &[u8]) -> Result<Option<Arc<MapState>>> {
        const WHAT: &str = "look up a map in";
        let slots = self.slots(WHAT)?;
        self.check_key(WHAT, key)?;
        Ok(slots.lock().get(key).cloned())
    }

    /// Puts a map into a slot.
    pub(crate) fn set_inner_map(
        &self,
        key: &[u8],
        inner: &Arc<MapState>,
        existence: Existence,
    ) -> Result<()> {
        const WHAT: &str = "put a map into";
        let slots = self.slots(WHAT)?;
        self.check_key(WHAT, key)?;
        if !self
            .inner
            .as_deref()
            .is_some_and(|wanted| inner.fits_slot(wanted))
        {
            let error = Errno::Invalid.error(format!(
                "\"{}\" is not of the shape that it declares for its slots",
                inner.info.name
            ));
            return Err(self.explain(WHAT, error));
        }
        let mut slots = slots.lock();
        let is_array = self.info.map_type == map_type::ARRAY_OF_MAPS;
        let room = if is_array {
            self.check_index(key, existence)
        } else {
            check_room(&slots, key, existence, self.info.max_entries)
        };
        room.map_err(|error| self.explain(WHAT, error))?;
        slots.insert(key.to_vec(), inner.clone());
        Ok(())
    }

    /// Puts a program into a slot of a program array.
    pub(crate) fn set_program(&self, index: u32, program: &str) -> Result<()> {
        const WHAT: &str = "put a program into";
        let Contents::Programs(programs) = &self.contents else {
            return Err(self.not_supported(WHAT));
        };
        self.check_index(&index.to_le_bytes(), Existence::Any)
            .map_err(|error| self.explain(WHAT, error))?;
        programs.lock().insert(index, program.to_owned());
        Ok(())
    }

    /// Empties a slot; `None` when the map has none.
    pub(crate) fn delete_slot(&self, key: &[u8]) -> Option<Result<bool>> {
        let removed = match &self.contents {
            Contents::Inner(slots) => slots.lock().remove(key).is_some(),
            Contents::Programs(programs) => {
                let index = u32::from_le_bytes(key.try_into().ok()?);
                programs.lock().remove(&index).is_some()
            }
            _ => return None,
        };
        Some(Ok(removed))
    }

    /// The key after `key` of a hash of maps; of arrays the next index, be there a map or not.
    /// `None`: the map has no slots.
    pub(crate) fn next_slot(&self, key: Option<&[u8]>) -> Option<Option<Vec<u8>>> {
        let is_array = matches!(
            self.info.map_type,
            map_type::ARRAY_OF_MAPS | map_type::PROG_ARRAY | map_type::PERF_EVENT_ARRAY
        );
        if is_array {
            let index = key.and_then(|key| Some(u32::from_le_bytes(key.try_into().ok()?)));
            let next = index
                .filter(|index| *index < self.info.max_entries)
                .map_or(0, |index| index + 1);
            return Some((next < self.info.max_entries).then(|| next.to_le_bytes().to_vec()));
        }
        let Contents::Inner(slots) = &self.contents else {
            return None;
        };
        let slots = slots.lock();
        let start = key
            .filter(|key| slots.contains_key(*key))
            .map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = slots.range::<[u8], _>((start, Bound::Unbounded));
        Some(rest.next().map(|(key, _)| key.clone()))
    }

    fn slots(&self, what: &str) -> Result<&Shared<BTreeMap<Vec<u8>, Arc<MapState>>>> {
        match &self.contents {
            Contents::Inner(slots) => Ok(slots),
            _ => Err(self.not_supported(what)),
        }
    }

    fn check_index(&self, key: &[u8], existence: Existence) -> Result<()> {
        let index = key.try_into().map(u32::from_le_bytes);
        if index.is_ok_and(|index| index < self.info.max_entries) {
            // Every index of an array is there, whether or not its slot is filled.
            return existence.check(true);
        }
        Err(Errno::TooBig.error(format!(
            "index {index:?}: the array has {} entries",
            self.info.max_entries
        )))
    }
}

fn check_room(
    slots: &BTreeMap<Vec<u8>, Arc<MapState>>,
    key: &[u8],
    existence: Existence,
    entries_max: u32,
) -> Result<()> {
    let present = slots.contains_key(key);
    existence.check(present)?;
    if !present && slots.len() >= entries_max as usize {
        return Err(Errno::TooBig.error(format!("it is full with {}", slots.len())));
    }
    Ok(())
}
