//! An object as its programs, maps, links and buffers share it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Object;

/// Shared by all handles that were made from an object; the last one unloads it.
#[derive(Clone, Debug)]
pub(crate) struct ObjectRef {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    state: Mutex<ObjectState>,
    /// Counted against `Limits::objects_max`.
    _token: Arc<()>,
}

#[derive(Debug)]
pub(crate) struct ObjectState {
    pub(crate) object: Box<dyn Object>,
    phase: Phase,
    /// Programs that are attached where the operator said.
    pub(crate) overridden: BTreeSet<String>,
    btf: Option<Arc<eunomia_btf::Btf>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opened,
    Loaded,
    Failed,
}

impl ObjectRef {
    pub(crate) fn new(name: String, object: Box<dyn Object>, token: Arc<()>) -> Self {
        let state = ObjectState {
            object,
            phase: Phase::Opened,
            overridden: BTreeSet::new(),
            btf: None,
        };
        Self {
            shared: Arc::new(Shared {
                name,
                state: Mutex::new(state),
                _token: token,
            }),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.shared.name
    }

    /// The state, in whatever phase.
    pub(crate) fn state(&self) -> MutexGuard<'_, ObjectState> {
        // One guest runs on one thread: the lock is never contended, and poisoned only by a panic
        // that ends the guest.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of an object that is not loaded yet.
    pub(crate) fn opened(&self, doing: &str) -> Result<MutexGuard<'_, ObjectState>> {
        let state = self.state();
        match state.phase {
            Phase::Opened => Ok(state),
            Phase::Loaded => Err(self.wrong_phase(doing, "is loaded already")),
            Phase::Failed => Err(self.wrong_phase(doing, "failed to load")),
        }
    }

    /// The state of a loaded object.
    pub(crate) fn loaded(&self, doing: &str) -> Result<MutexGuard<'_, ObjectState>> {
        let state = self.state();
        match state.phase {
            Phase::Loaded => Ok(state),
            Phase::Opened => Err(self.wrong_phase(doing, "is not loaded yet")),
            Phase::Failed => Err(self.wrong_phase(doing, "failed to load")),
        }
    }

    fn wrong_phase(&self, doing: &str, phase: &str) -> Error {
        let name = self.name();
        Error::new(
            ErrorKind::InvalidState,
            format!("{doing}: object `{name}` {phase}"),
        )
    }
}

impl ObjectState {
    /// Load, and remember the outcome.
    pub(crate) fn load(&mut self) -> Result<()> {
        let outcome = self.object.load();
        self.phase = if outcome.is_ok() {
            Phase::Loaded
        } else {
            Phase::Failed
        };
        outcome
    }

    /// The object's types, parsed when they are first asked for.
    pub(crate) fn btf(&mut self) -> Result<Arc<eunomia_btf::Btf>> {
        if let Some(btf) = &self.btf {
            return Ok(Arc::clone(btf));
        }
        let section = self.object.btf()?;
        let btf = eunomia_btf::Btf::parse(&section).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, "read the BTF of the object").with_source(error)
        })?;
        let btf = Arc::new(btf);
        self.btf = Some(Arc::clone(&btf));
        Ok(btf)
    }
}
