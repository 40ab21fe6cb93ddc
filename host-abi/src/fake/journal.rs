//! What was asked of the kernel, for assertions, and which of it shall fail.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::error::{Error, Result};

/// Calls that are remembered; a test that needs more asserts too much. The oldest are forgotten.
const CALLS_MAX: usize = 65_536;

/// A kind of call to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Parse an object.
    Open,
    /// Set a global variable.
    SetGlobal,
    /// Change a program before load.
    SetProgram,
    /// Change a map before load.
    SetMap,
    /// Load an object.
    Load,
    /// Unload an object: it was dropped and nothing made from it is left.
    Unload,
    /// Attach a program or register a `struct_ops` map.
    Attach,
    /// Detach, by call or by drop.
    Detach,
    /// Put a program in the place of another.
    Replace,
    /// Put a program into a program array.
    Store,
    /// Run a program.
    TestRun,
    /// Read a program's statistics.
    Statistics,
    /// Run an iterator.
    Iterate,
    /// Become the reader or writer of a buffer.
    OpenBuffer,
    /// Freeze a map.
    Freeze,
    /// Read a value.
    Lookup,
    /// Set a value.
    Update,
    /// Remove a key.
    Delete,
    /// Take out a value.
    LookupAndDelete,
    /// Find the next key.
    NextKey,
    /// Walk over entries.
    NextEntries,
    /// Set many values.
    UpdateBatch,
    /// Remove many keys.
    DeleteBatch,
    /// Read or set a slot of a map of maps, or make a map for it.
    InnerMap,
    /// Read the memory of an array.
    ReadMemory,
    /// Write the memory of an array.
    WriteMemory,
    /// Read records from a ring or perf buffer.
    ReadRecords,
    /// Submit a record to a user ring buffer.
    Submit,
    /// Look up kernel symbols.
    Symbols,
}

impl Operation {
    /// Whether the journal remembers each call: those that shape a run. The others, of which there
    /// are as many as events, are only counted.
    pub fn is_remembered(self) -> bool {
        self <= Self::Freeze
    }

    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::SetGlobal => "set-global",
            Self::SetProgram => "set-program",
            Self::SetMap => "set-map",
            Self::Load => "load",
            Self::Unload => "unload",
            Self::Attach => "attach",
            Self::Detach => "detach",
            Self::Replace => "replace",
            Self::Store => "store",
            Self::TestRun => "test-run",
            Self::Statistics => "statistics",
            Self::Iterate => "iterate",
            Self::OpenBuffer => "open-buffer",
            Self::Freeze => "freeze",
            Self::Lookup => "lookup",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::LookupAndDelete => "lookup-and-delete",
            Self::NextKey => "next-key",
            Self::NextEntries => "next-entries",
            Self::UpdateBatch => "update-batch",
            Self::DeleteBatch => "delete-batch",
            Self::InnerMap => "inner-map",
            Self::ReadMemory => "read-memory",
            Self::WriteMemory => "write-memory",
            Self::ReadRecords => "read-records",
            Self::Submit => "submit",
            Self::Symbols => "symbols",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A call that was made, whether or not it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What was asked.
    pub operation: Operation,
    /// Of what: names, and what matters of the arguments.
    pub subject: String,
}

/// `attach handle_exec tracepoint:sched:sched_process_exec`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation, self.subject)
    }
}

/// What was asked, and what shall fail.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    calls: VecDeque<Call>,
    counts: BTreeMap<Operation, u64>,
    failures: BTreeMap<Operation, VecDeque<Error>>,
}

impl Journal {
    pub(crate) fn record(&mut self, operation: Operation, subject: &dyn fmt::Display) {
        *self.counts.entry(operation).or_default() += 1;
        if !operation.is_remembered() {
            return;
        }
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
        }
        self.calls.push_back(Call {
            operation,
            subject: subject.to_string(),
        });
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    pub(crate) fn count(&self, operation: Operation) -> u64 {
        self.counts.get(&operation).copied().unwrap_or(0)
    }

    pub(crate) fn fail_next(&mut self, operation: Operation, error: Error) {
        self.failures.entry(operation).or_default().push_back(error);
    }

    /// The failure that was ordered for this call, if one was.
    pub(crate) fn take_failure(&mut self, operation: Operation) -> Result<()> {
        match self
            .failures
            .get_mut(&operation)
            .and_then(VecDeque::pop_front)
        {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn calls_that_shape_a_run_are_remembered_and_others_only_counted() {
        let mut journal = Journal::default();
        journal.record(Operation::Lookup, &"counts");
        journal.record(Operation::Load, &"execsnoop");
        let texts: Vec<String> = journal.calls().iter().map(Call::to_string).collect();
        assert_eq!(texts, ["load execsnoop"]);
        assert_eq!(journal.count(Operation::Lookup), 1);
        assert_eq!(journal.count(Operation::Delete), 0);
    }

    #[test]
    fn the_oldest_calls_are_forgotten() {
        let mut journal = Journal::default();
        for number in 0..=CALLS_MAX {
            journal.record(Operation::Load, &number);
        }
        assert_eq!(journal.calls().len(), CALLS_MAX);
        assert_eq!(journal.calls()[0].subject, "1");
    }

    #[test]
    fn ordered_failures_come_once_each_and_in_order() {
        let mut journal = Journal::default();
        journal.fail_next(Operation::Load, Error::new(ErrorKind::Rejected, "first"));
        journal.fail_next(Operation::Load, Error::new(ErrorKind::Rejected, "second"));
        assert!(journal.take_failure(Operation::Attach).is_ok());
        let text = |result: Result<()>| result.unwrap_err().text();
        assert_eq!(text(journal.take_failure(Operation::Load)), "first");
        assert_eq!(text(journal.take_failure(Operation::Load)), "second");
        assert!(journal.take_failure(Operation::Load).is_ok());
    }
}
