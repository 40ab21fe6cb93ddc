//! What happens on the kernel's side while a guest runs, by virtual time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::fake::clock::Event;
use crate::fake::kernel::FakeKernel;
use crate::stop::StopSignal;

/// Events by time, so that a guest's whole run can be repeated. Times count from when the script is
/// played and need not be in order; what has the same time happens in the order of the script.
///
/// What an event does to a map that is not loaded then, or with a value that does not fit, is found
/// in [`FakeKernel::script_problems`].
#[derive(Clone, Debug, Default)]
pub struct Script {
    events: Vec<(Duration, Action)>,
    at: Duration,
}

/// One thing that happens on the kernel's side. Maps are named as in [`FakeKernel::map`].
#[derive(Clone)]
pub(crate) enum Action {
    Push {
        ring: String,
        payload: Vec<u8>,
    },
    PushDiscarded {
        ring: String,
        payload: Vec<u8>,
    },
    Output {
        map: String,
        cpu: u32,
        payload: Vec<u8>,
    },
    Lose {
        map: String,
        cpu: u32,
        count: u64,
    },
    Set {
        map: String,
        key: Vec<u8>,
        value: Vec<u8>,
    },
    Add {
        map: String,
        key: Vec<u8>,
        cpu: u32,
        amount: u64,
    },
    Remove {
        map: String,
        key: Vec<u8>,
    },
    SetGlobal {
        name: String,
        value: Vec<u8>,
    },
    Stop(StopSignal),
    Call(Arc<Call>),
}

type Call = dyn Fn(&FakeKernel) -> Result<()> + Send + Sync;

impl Script {
    /// A script in which nothing happens.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is said from here on happens at this time; at first 0.
    #[must_use]
    pub fn at(mut self, time: Duration) -> Self {
        self.at = time;
        self
    }

    /// What is said from here on happens so much later than what was said before.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        self.at = self.at.saturating_add(pause);
        self
    }

    /// A record is pushed to a ring buffer.
    #[must_use]
    pub fn push(self, ring: &str, payload: &[u8]) -> Self {
        self.act(Action::Push {
            ring: ring.to_owned(),
            payload: payload.to_vec(),
        })
    }

    /// A record is reserved in a ring buffer, then discarded.
    #[must_use]
    pub fn push_discarded(self, ring: &str, payload: &[u8]) -> Self {
        self.act(Action::PushDiscarded {
            ring: ring.to_owned(),
            payload: payload.to_vec(),
        })
    }

    /// A record is output to a perf event array on a CPU.
    #[must_use]
    pub fn output(self, map: &str, cpu: u32, payload: &[u8]) -> Self {
        self.act(Action::Output {
            map: map.to_owned(),
            cpu,
            payload: payload.to_vec(),
        })
    }

    /// So many records of a CPU are lost.
    #[must_use]
    pub fn lose(self, map: &str, cpu: u32, count: u64) -> Self {
        self.act(Action::Lose {
            map: map.to_owned(),
            cpu,
            count,
        })
    }

    /// A program sets a value of a map, or pushes it to a queue (with an empty key).
    #[must_use]
    pub fn set(self, map: &str, key: &[u8], value: &[u8]) -> Self {
        self.act(Action::Set {
            map: map.to_owned(),
            key: key.to_vec(),
            value: value.to_vec(),
        })
    }

    /// A program adds to the u64 that starts a value; `cpu` is 0 for maps that are not per CPU.
    #[must_use]
    pub fn add(self, map: &str, key: &[u8], cpu: u32, amount: u64) -> Self {
        self.act(Action::Add {
            map: map.to_owned(),
            key: key.to_vec(),
            cpu,
            amount,
        })
    }

    /// A program removes a key.
    #[must_use]
    pub fn remove(self, map: &str, key: &[u8]) -> Self {
        self.act(Action::Remove {
            map: map.to_owned(),
            key: key.to_vec(),
        })
    }

    /// A program sets a global variable.
    #[must_use]
    pub fn set_global(self, name: &str, value: &[u8]) -> Self {
        self.act(Action::SetGlobal {
            name: name.to_owned(),
            value: value.to_vec(),
        })
    }

    /// The operator asks the guest to stop.
    #[must_use]
    pub fn stop(self, signal: &StopSignal) -> Self {
        self.act(Action::Stop(signal.clone()))
    }

    /// Anything else.
    #[must_use]
    pub fn call(self, call: impl Fn(&FakeKernel) -> Result<()> + Send + Sync + 'static) -> Self {
        self.act(Action::Call(Arc::new(call)))
    }

    fn act(mut self, action: Action) -> Self {
        self.events.push((self.at, action));
        self
    }
}

impl FakeKernel {
    /// Lets the events of a script happen, their times counted from now. What is due at once
    /// happens when time next passes.
    pub fn play(&self, script: Script) {
        let start = self.now();
        for (at, action) in script.events {
            let at = start.saturating_add(at);
            self.clock().schedule(at, Event::Act(action));
        }
    }
}

impl Action {
    pub(crate) fn perform(&self, kernel: &FakeKernel) {
        if let Err(error) = self.try_perform(kernel) {
            let now = kernel.now();
            kernel.add_problem(format!("at {now:?}: {self:?}: {}", error.text()));
        }
    }

    fn try_perform(&self, kernel: &FakeKernel) -> Result<()> {
        match self {
            // A full ring is no problem of the script: the drop is counted.
            Self::Push { ring, payload } => {
                kernel.ring(ring)?.push(payload);
                Ok(())
            }
            Self::PushDiscarded { ring, payload } => {
                kernel.ring(ring)?.push_discarded(payload);
                Ok(())
            }
            Self::Output { map, cpu, payload } => {
                kernel.perf(map)?.push(*cpu, payload)?;
                Ok(())
            }
            Self::Lose { map, cpu, count } => kernel.perf(map)?.lose(*cpu, *count),
            Self::Set { map, key, value } => kernel.map(map)?.set(key, value),
            Self::Add {
                map,
                key,
                cpu,
                amount,
            } => kernel.map(map)?.add(key, *cpu, *amount),
            Self::Remove { map, key } => kernel.map(map)?.remove(key).map(drop),
            Self::SetGlobal { name, value } => kernel.set_global(name, value),
            Self::Stop(signal) => {
                signal.request();
                Ok(())
            }
            Self::Call(call) => call(kernel),
        }
    }
}

/// What it does, without the bytes.
impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push { ring, payload } | Self::PushDiscarded { ring, payload } => {
                write!(f, "push {} bytes to {ring}", payload.len())
            }
            Self::Output { map, cpu, payload } => {
                write!(f, "output {} bytes to {map} on CPU {cpu}", payload.len())
            }
            Self::Lose { map, cpu, count } => write!(f, "lose {count} of {map} on CPU {cpu}"),
            Self::Set { map, .. } => write!(f, "set a value of {map}"),
            Self::Add {
                map, cpu, amount, ..
            } => {
                write!(f, "add {amount} to a value of {map} on CPU {cpu}")
            }
            Self::Remove { map, .. } => write!(f, "remove a key of {map}"),
            Self::SetGlobal { name, .. } => write!(f, "set {name}"),
            Self::Stop(_) => f.write_str("stop"),
            Self::Call(_) => f.write_str("call"),
        }
    }
}
