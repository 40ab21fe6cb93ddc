//! Names of perf events, as `perf list` prints them.

/// `PERF_TYPE_HARDWARE`.
const HARDWARE: u32 = 0;
/// `PERF_TYPE_SOFTWARE`.
const SOFTWARE: u32 = 1;

/// Names with `PERF_TYPE_*` and `PERF_COUNT_*` (`linux/perf_event.h`). The first name of a number
/// is the one that is written.
const EVENTS: &[(&str, u32, u64)] = &[
    ("cpu-cycles", HARDWARE, 0),
    ("cycles", HARDWARE, 0),
    ("instructions", HARDWARE, 1),
    ("cache-references", HARDWARE, 2),
    ("cache-misses", HARDWARE, 3),
    ("branch-instructions", HARDWARE, 4),
    ("branches", HARDWARE, 4),
    ("branch-misses", HARDWARE, 5),
    ("bus-cycles", HARDWARE, 6),
    ("stalled-cycles-frontend", HARDWARE, 7),
    ("stalled-cycles-backend", HARDWARE, 8),
    ("ref-cycles", HARDWARE, 9),
    ("cpu-clock", SOFTWARE, 0),
    ("task-clock", SOFTWARE, 1),
    ("page-faults", SOFTWARE, 2),
    ("faults", SOFTWARE, 2),
    ("context-switches", SOFTWARE, 3),
    ("cs", SOFTWARE, 3),
    ("cpu-migrations", SOFTWARE, 4),
    ("migrations", SOFTWARE, 4),
    ("minor-faults", SOFTWARE, 5),
    ("major-faults", SOFTWARE, 6),
    ("alignment-faults", SOFTWARE, 7),
    ("emulation-faults", SOFTWARE, 8),
    ("dummy", SOFTWARE, 9),
    ("bpf-output", SOFTWARE, 10),
    ("cgroup-switches", SOFTWARE, 11),
];

/// Type and config of a name.
pub(super) fn find(name: &str) -> Option<(u32, u64)> {
    let mut events = EVENTS.iter();
    let (_, event_type, config) = events.find(|(known, _, _)| *known == name)?;
    Some((*event_type, *config))
}

/// The name of a type and config.
pub(super) fn name(event_type: u32, config: u64) -> Option<&'static str> {
    let mut events = EVENTS.iter();
    let wanted = (event_type, config);
    let (name, _, _) = events.find(|(_, event_type, config)| (*event_type, *config) == wanted)?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_a_number_and_every_number_to_its_first_name() {
        for (known, event_type, config) in EVENTS {
            assert_eq!(find(known), Some((*event_type, *config)));
            let first = name(*event_type, *config).unwrap();
            assert_eq!(find(first), Some((*event_type, *config)));
        }
        assert_eq!(name(HARDWARE, 0), Some("cpu-cycles"));
        assert_eq!(find("cpu_clock"), None);
        assert_eq!(name(4, 0), None);
    }
}
