//! Recordings: what `ecli run --record` writes and a test's `recording` names. One event a line, as
//! tests have them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use eunomia_runtime::{Recorded, Recorder};
use serde_json::json;

/// A file that is written. Clones write to the same.
#[derive(Clone)]
pub(crate) struct Recording(Arc<Mutex<State>>);

struct State {
    file: BufWriter<File>,
    events: u64,
    failure: Option<std::io::Error>,
}

impl Recording {
    /// Creates the file.
    ///
    /// # Errors
    /// Also when there is one already: recordings are made by hand, and hard to make again.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create_new(path)
            .with_context(|| format!("create recording {}", path.display()))?;
        Ok(Self(Arc::new(Mutex::new(State {
            file: BufWriter::new(file),
            events: 0,
            failure: None,
        }))))
    }

    /// Writes what is left; how many events there are.
    pub(crate) fn finish(&self) -> Result<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match state.failure.take() {
            Some(error) => Err(error),
            None => state.file.flush(),
        };
        written.context("write the recording")?;
        Ok(state.events)
    }
}

impl Recorder for Recording {
    fn record(&mut self, at: Duration, event: Recorded<'_>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_some() {
            return;
        }
        let Some(mut event) = line(event) else { return };
        event["at"] = format!("{}us", at.as_micros()).into();
        state.events += 1;
        if let Err(error) = writeln!(state.file, "{event}") {
            state.failure = Some(error);
        }
    }
}

fn line(event: Recorded<'_>) -> Option<serde_json::Value> {
    Some(match event {
        Recorded::Ring { map, payload } => json!({ "ring": map, "hex": hex(payload) }),
        Recorded::Perf { map, cpu, payload } => {
            json!({ "perf": map, "cpu": cpu, "hex": hex(payload) })
        }
        Recorded::Lost { map, count } => json!({ "perf": map, "lost": count }),
        Recorded::Value { map, key, value } => {
            json!({ "map": map, "key-hex": hex(key), "value-hex": hex(value) })
        }
        // Of a newer runtime.
        _ => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // A string can be written to.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::case::Event;
    use super::*;

    #[test]
    fn what_is_recorded_is_what_tests_read() {
        for event in [
            Recorded::Ring {
                map: "events",
                payload: &[1, 0xab],
            },
            Recorded::Perf {
                map: "events",
                cpu: 1,
                payload: &[],
            },
            Recorded::Lost {
                map: "events",
                count: 3,
            },
            Recorded::Value {
                map: "counts",
                key: &[1],
                value: &[2],
            },
        ] {
            let mut line = line(event).unwrap();
            line["at"] = "12us".into();
            let event: Event = serde_json::from_str(&line.to_string()).unwrap();
            assert_eq!(event.at, Some(Duration::from_micros(12)));
        }
        assert_eq!(hex(&[1, 0xab]), "01ab");
    }
}
