//! What the operator allows and what the operator has decided in the guest's place.
//!
//! The hooks are asked before the kernel is; a refusal reaches the guest as `denied-by-policy`. The
//! policy of images (which may run at all, signatures) is decided before a guest starts, elsewhere.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::error::Result;
use crate::kernel::{MapInfo, ProgramInfo};
use crate::target::Target;

/// Hooks that may refuse what a guest asks for. The default of each is to allow.
pub trait Policy: Debug + Send + Sync {
    /// May a guest open a BPF object (the bytes of an ELF file) that it has in its own memory? Only
    /// guests of the older ABI ([`wasm_bpf`](crate::wasm_bpf)) ask for it; `load` is asked as well.
    fn open_from_memory(&self, _guest: &str, _elf: &[u8]) -> Result<()> {
        Ok(())
    }

    /// May this object be loaded, with these programs and maps?
    fn load(&self, _object: &str, _programs: &[ProgramInfo], _maps: &[MapInfo]) -> Result<()> {
        Ok(())
    }

    /// May this program be attached here? `None`: where its section says.
    fn attach(&self, _program: &ProgramInfo, _target: Option<&Target>) -> Result<()> {
        Ok(())
    }

    /// May a map be pinned, and so shared with other instances, under this name?
    ///
    /// # Errors
    /// By default always: what is pinned outlives the guest.
    fn pin_map(&self, name: &str) -> Result<()> {
        Err(crate::Error::new(
            crate::ErrorKind::DeniedByPolicy,
            format!("pin a map as `{name}`: sharing maps is not allowed by the operator"),
        ))
    }

    /// May the guest learn kernel addresses and symbols?
    fn resolve_symbols(&self) -> Result<()> {
        Ok(())
    }

    /// May the guest run this program by itself, with these `BPF_F_TEST_*` flags?
    ///
    /// # Errors
    /// By default with `BPF_F_TEST_XDP_LIVE_FRAMES`, which sends packets.
    fn test_run(&self, program: &ProgramInfo, flags: u32) -> Result<()> {
        const BPF_F_TEST_XDP_LIVE_FRAMES: u32 = 1 << 1;
        if flags & BPF_F_TEST_XDP_LIVE_FRAMES != 0 {
            return Err(crate::Error::new(
                crate::ErrorKind::DeniedByPolicy,
                format!(
                    "run program `{}`: sending packets is not allowed",
                    program.name
                ),
            ));
        }
        Ok(())
    }
}

/// The policy of `ecli run` without a policy file: all that concerns the image's own objects, no
/// pinning.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnObjects;

impl Policy for OwnObjects {}

/// What the operator has decided on the command line; takes precedence over what the guest says.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Program name to attach targets (`--attach`).
    pub targets: BTreeMap<String, Vec<Target>>,
    /// Global variable to its value as text (`--global`), read by the variable's type at load.
    pub globals: BTreeMap<String, String>,
}
