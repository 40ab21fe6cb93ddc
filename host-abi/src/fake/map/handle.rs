//! Maps as programs reach them: the test's side.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::fake::kernel::FakeKernel;
use crate::fake::map::shape::{is_per_cpu, stride};
use crate::fake::map::state::{Contents, MapState};
use crate::fake::map::table::Existence;
use crate::kernel::MapInfo;

impl FakeKernel {
    /// The map that was loaded last under a name, `MAP` or `OBJECT/MAP`, as a program reaches it:
    /// neither recorded nor made to fail, also when the map is frozen.
    ///
    /// # Errors
    /// `NotFound` when no such map is loaded now.
    pub fn map(&self, name: &str) -> Result<MapHandle> {
        Ok(MapHandle {
            state: self.find_map(name)?,
        })
    }
}

/// A map from the program's side. It keeps the map alive.
#[derive(Clone, Debug)]
pub struct MapHandle {
    state: Arc<MapState>,
}

impl MapHandle {
    /// What is known of the map.
    pub fn info(&self) -> &MapInfo {
        self.state.current_info()
    }

    /// The value of a key, of all CPUs for per-CPU maps. An empty key peeks into a queue.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.state.check_key("look up in", key)?;
        self.state.table("look up in")?.lock().lookup(key)
    }

    /// Sets a value, of all CPUs for per-CPU maps. An empty key pushes to a queue.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.state.check_key("update", key)?;
        self.state.check_value("update", value)?;
        let mut table = self.state.table("update")?.lock();
        table.update(key, value, Existence::Any)
    }

    /// Sets one CPU's value. A key that was not there gets zeros for the other CPUs, as when a
    /// program sets it.
    pub fn set_on_cpu(&self, key: &[u8], cpu: u32, value: &[u8]) -> Result<()> {
        self.change(key, cpu, value.len(), |place| place.copy_from_slice(value))
    }

    /// Adds to the u64 that starts a value: what a program that counts does. `cpu` is 0 for maps
    /// that are not per CPU. A key that was not there starts with zeros.
    pub fn add(&self, key: &[u8], cpu: u32, amount: u64) -> Result<()> {
        self.change(key, cpu, size_of::<u64>(), |place| {
            let mut number = [0; size_of::<u64>()];
            number.copy_from_slice(place);
            let sum = u64::from_le_bytes(number).wrapping_add(amount);
            place.copy_from_slice(&sum.to_le_bytes());
        })
    }

    /// Removes a key; true when it was there.
    pub fn remove(&self, key: &[u8]) -> Result<bool> {
        self.state.check_key("delete from", key)?;
        self.state.table("delete from")?.lock().delete(key)
    }

    /// How many keys or values there are.
    pub fn len(&self) -> Result<usize> {
        Ok(self.state.table("count")?.lock().len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// The name of the program in a slot of a program array.
    pub fn program(&self, index: u32) -> Result<Option<String>> {
        let Contents::Programs(programs) = &self.state.contents else {
            return Err(self.state.not_supported("find a program in"));
        };
        Ok(programs.lock().get(&index).cloned())
    }

    /// The map in a slot of a map of maps.
    pub fn inner(&self, key: &[u8]) -> Result<Option<Self>> {
        let inner = self.state.inner_map(key)?;
        Ok(inner.map(|state| Self { state }))
    }

    /// Changes the first `bytes` of one CPU's value.
    fn change(
        &self,
        key: &[u8],
        cpu: u32,
        bytes: usize,
        run: impl FnOnce(&mut [u8]),
    ) -> Result<()> {
        let info = &self.state.info;
        self.state.check_key("update", key)?;
        let start = if is_per_cpu(info.map_type) {
            cpu as usize * stride(info.value_size) as usize
        } else if cpu == 0 {
            0
        } else {
            usize::MAX
        };
        let end = start.saturating_add(bytes);
        if bytes > info.value_size as usize || end > info.user_value_size as usize {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "change {bytes} bytes of CPU {cpu} in map \"{}\": its values have {} bytes of \
                     {} in all",
                    info.name, info.value_size, info.user_value_size
                ),
            ));
        }
        let mut table = self.state.table("update")?.lock();
        if !table.contains(key) {
            let zeros = vec![0; info.user_value_size as usize];
            table.update(key, &zeros, Existence::Any)?;
        }
        let value = table.value_mut(key);
        let place = value.and_then(|value| value.get_mut(start..end));
        run(place.ok_or_else(|| self.state.not_supported("change a value of"))?);
        Ok(())
    }
}
