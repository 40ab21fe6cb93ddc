//! `wasm_load_bpf_object`, `wasm_close_bpf_object`.

use super::{GuestObject, View};
use crate::error::{Error, ErrorKind, Result};
use crate::host::bpf_object;
use crate::limits::ELF_BYTES_MAX;

impl View<'_> {
    /// Open and load the BPF object in `elf`, which is taken as the guest has it: what it set in
    /// its `.rodata` counts. Returns the object's number.
    pub(super) fn load(&mut self, elf: &[u8]) -> Result<u64> {
        let name = &self.guest.name;
        if elf.len() > ELF_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "open the BPF object of `{name}`: {} bytes are more than {ELF_BYTES_MAX}",
                    elf.len()
                ),
            ));
        }
        self.ctx.policy.open_from_memory(name, elf)?;
        let object = bpf_object::open(self.ctx, name, elf)?;
        bpf_object::load(self.ctx, &object)?;
        self.guest.last_object += 1;
        let loaded = GuestObject {
            links: Vec::new(),
            object,
        };
        self.guest.objects.insert(self.guest.last_object, loaded);
        Ok(self.guest.last_object)
    }

    /// Detach and unload. The numbers of its maps end with it.
    pub(super) fn close(&mut self, handle: u64) -> bool {
        let closed = self.guest.objects.remove(&handle);
        self.guest.maps.retain(|_, map| map.object != handle);
        closed.is_some()
    }
}
