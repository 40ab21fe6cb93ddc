//! What a map of each type must look like: libbpf's adjustments, then the kernel's checks.

use crate::error::Result;
use crate::fake::errno::Errno;
use crate::kernel::{MapInfo, map_type};

/// `BPF_F_RDONLY`: user space may not write.
pub(crate) const F_RDONLY: u32 = 1 << 3;
/// `BPF_F_WRONLY`: user space may not read.
pub(crate) const F_WRONLY: u32 = 1 << 4;
/// `BPF_F_RDONLY_PROG`: programs may not write.
pub(crate) const F_RDONLY_PROG: u32 = 1 << 7;
/// `BPF_F_MMAPABLE`: user space may map its memory.
pub(crate) const F_MMAPABLE: u32 = 1 << 10;
/// `BPF_F_INNER_MAP`: arrays of any length may be the inner map of one slot.
pub(crate) const F_INNER_MAP: u32 = 1 << 12;

/// Bytes of a page, which ring buffers are whole numbers of.
const PAGE_BYTES: u32 = 4096;
/// The largest ring buffer: the largest power of two in a u32.
const RING_BYTES_MAX: u32 = 1 << 31;
/// Bytes of the prefix length that starts the key of an LPM trie.
pub(crate) const PREFIX_LENGTH_BYTES: u32 = 4;
/// Bytes of an LPM trie's key behind its prefix length (`LPM_DATA_SIZE_MAX`).
const LPM_DATA_BYTES_MAX: u32 = 256;
/// What all values of a map may have together: the test process holds them. The kernel's bound is
/// its memory.
const MAP_BYTES_MAX: u64 = 1 << 30;

/// `libbpf_bpf_map_type_str`, by `enum bpf_map_type`.
const TYPE_NAMES: [&str; 35] = [
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
    "insn_array",
];

/// The name of a map type as libbpf prints it.
pub(crate) fn type_name(number: u32) -> &'static str {
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    TYPE_NAMES.get(index).copied().unwrap_or("unknown")
}

/// Whether each CPU has values of its own.
pub(crate) fn is_per_cpu(number: u32) -> bool {
    matches!(
        number,
        map_type::PERCPU_HASH
            | map_type::PERCPU_ARRAY
            | map_type::LRU_PERCPU_HASH
            | map_type::PERCPU_CGROUP_STORAGE
    )
}

/// Whether a map may be turned into one of the other type before load.
pub(crate) fn may_become(from: u32, to: u32) -> bool {
    let is_plain = |number| {
        matches!(
            number,
            map_type::HASH
                | map_type::ARRAY
                | map_type::PERCPU_HASH
                | map_type::PERCPU_ARRAY
                | map_type::LRU_HASH
                | map_type::LRU_PERCPU_HASH
        )
    };
    from == to
        || (is_plain(from) && is_plain(to))
        || (from == map_type::RINGBUF && to == map_type::PERF_EVENT_ARRAY)
}

/// Fills in what follows from the rest: sizes that a type prescribes, and user space's view.
pub(crate) fn adjust(info: &mut MapInfo, cpus: u32) {
    type_name(info.map_type).clone_into(&mut info.type_name);
    match info.map_type {
        map_type::RINGBUF | map_type::USER_RINGBUF => {
            info.key_size = 0;
            info.value_size = 0;
            info.max_entries = ring_bytes(info.max_entries);
        }
        map_type::PERF_EVENT_ARRAY => {
            info.key_size = 4;
            info.value_size = 4;
            if info.max_entries == 0 {
                info.max_entries = cpus;
            }
        }
        _ => {}
    }
    info.user_value_size = if is_per_cpu(info.map_type) {
        stride(info.value_size).saturating_mul(cpus)
    } else {
        info.value_size
    };
}

/// Bytes from one value to the next where values are padded to 8.
pub(crate) fn stride(value_size: u32) -> u32 {
    value_size.checked_next_multiple_of(8).unwrap_or(u32::MAX)
}

/// libbpf rounds a ring up to a power of two of at least a page; 0 stays, and is refused.
fn ring_bytes(bytes: u32) -> u32 {
    match bytes {
        0 => 0,
        bytes => bytes.clamp(PAGE_BYTES, RING_BYTES_MAX).next_power_of_two(),
    }
}

/// Refuses what `BPF_MAP_CREATE` would refuse.
pub(crate) fn check(info: &MapInfo) -> Result<()> {
    let problem = problem_of_sizes(info).or_else(|| {
        let bytes = u64::from(stride(info.user_value_size)) * u64::from(info.max_entries);
        (is_allocated_ahead(info.map_type) && bytes > MAP_BYTES_MAX)
            .then_some("it is larger than what the fake kernel holds")
    });
    match problem {
        None => Ok(()),
        Some(problem) => Err(Errno::Invalid.error(format!(
            "create map \"{}\" of type {}: {problem}",
            info.name, info.type_name
        ))),
    }
}

fn is_allocated_ahead(number: u32) -> bool {
    matches!(number, map_type::ARRAY | map_type::PERCPU_ARRAY)
}

fn problem_of_sizes(info: &MapInfo) -> Option<&'static str> {
    use map_type::*;
    let MapInfo {
        key_size,
        value_size,
        ..
    } = *info;
    let no_entries = info.max_entries == 0;
    match info.map_type {
        HASH | PERCPU_HASH | LRU_HASH | LRU_PERCPU_HASH | HASH_OF_MAPS if key_size == 0 => {
            Some("its key has no bytes")
        }
        ARRAY | PERCPU_ARRAY | PROG_ARRAY | PERF_EVENT_ARRAY | ARRAY_OF_MAPS | STACK_TRACE
            if key_size != 4 =>
        {
            Some("its key must have 4 bytes")
        }
        QUEUE | STACK | BLOOM_FILTER if key_size != 0 => Some("it cannot have a key"),
        LPM_TRIE
            if !(PREFIX_LENGTH_BYTES + 1..=PREFIX_LENGTH_BYTES + LPM_DATA_BYTES_MAX)
                .contains(&key_size) =>
        {
            Some("its key must have a prefix length and 1 to 256 bytes")
        }
        RINGBUF | USER_RINGBUF => no_entries.then_some("it has no bytes"),
        STACK_TRACE if value_size == 0 || !value_size.is_multiple_of(8) => {
            Some("its values must be whole addresses")
        }
        PROG_ARRAY | ARRAY_OF_MAPS | HASH_OF_MAPS if value_size != 4 => {
            Some("its values must have 4 bytes")
        }
        HASH | ARRAY | PERCPU_HASH | PERCPU_ARRAY | LRU_HASH | LRU_PERCPU_HASH | LPM_TRIE
        | QUEUE | STACK | BLOOM_FILTER
            if value_size == 0 =>
        {
            Some("its value has no bytes")
        }
        HASH | ARRAY | PERCPU_HASH | PERCPU_ARRAY | LRU_HASH | LRU_PERCPU_HASH | LPM_TRIE
        | QUEUE | STACK | BLOOM_FILTER | PROG_ARRAY | ARRAY_OF_MAPS | HASH_OF_MAPS
        | STACK_TRACE => no_entries.then_some("it has no entries"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(map_type: u32, key_size: u32, value_size: u32, max_entries: u32) -> MapInfo {
        let mut info = MapInfo {
            name: "m".into(),
            map_type,
            key_size,
            value_size,
            max_entries,
            ..MapInfo::default()
        };
        adjust(&mut info, 3);
        info
    }

    #[test]
    fn a_per_cpu_value_has_all_cpus_each_padded_to_8() {
        assert_eq!(info(map_type::PERCPU_ARRAY, 4, 12, 1).user_value_size, 48);
        assert_eq!(info(map_type::PERCPU_HASH, 4, 8, 1).user_value_size, 24);
        assert_eq!(info(map_type::HASH, 4, 12, 1).user_value_size, 12);
    }

    #[test]
    fn rings_are_rounded_up_as_libbpf_does() {
        for (declared, created) in [
            (1, 4096),
            (4096, 4096),
            (4097, 8192),
            (u32::MAX, RING_BYTES_MAX),
        ] {
            assert_eq!(info(map_type::RINGBUF, 0, 0, declared).max_entries, created);
        }
        assert!(check(&info(map_type::RINGBUF, 0, 0, 0)).is_err());
    }

    #[test]
    fn a_perf_event_array_has_a_slot_for_each_cpu() {
        let info = info(map_type::PERF_EVENT_ARRAY, 0, 0, 0);
        assert_eq!(
            (info.key_size, info.value_size, info.max_entries),
            (4, 4, 3)
        );
    }

    #[test]
    fn shapes_that_the_kernel_takes_are_taken() {
        for (number, key, value) in [
            (map_type::HASH, 1, 1),
            (map_type::ARRAY, 4, 100),
            (map_type::LPM_TRIE, 5, 1),
            (map_type::LPM_TRIE, 260, 1),
            (map_type::QUEUE, 0, 4),
            (map_type::STACK_TRACE, 4, 127 * 8),
            (map_type::BLOOM_FILTER, 0, 4),
            (map_type::HASH_OF_MAPS, 16, 4),
        ] {
            check(&info(number, key, value, 1)).unwrap();
        }
    }

    #[test]
    fn shapes_that_the_kernel_refuses_are_refused() {
        for (number, key, value, entries) in [
            (map_type::HASH, 0, 1, 1),
            (map_type::HASH, 4, 0, 1),
            (map_type::HASH, 4, 4, 0),
            (map_type::ARRAY, 8, 4, 1),
            (map_type::PERCPU_ARRAY, 4, 8, u32::MAX),
            (map_type::LPM_TRIE, 4, 1, 1),
            (map_type::LPM_TRIE, 261, 1, 1),
            (map_type::QUEUE, 4, 4, 1),
            (map_type::STACK_TRACE, 4, 12, 1),
            (map_type::PROG_ARRAY, 4, 8, 1),
            (map_type::BLOOM_FILTER, 4, 4, 1),
        ] {
            let error = check(&info(number, key, value, entries)).unwrap_err();
            assert_eq!(error.errno(), 22, "{number} {key} {value} {entries}");
        }
    }

    #[test]
    fn types_have_the_names_that_libbpf_prints() {
        assert_eq!(type_name(map_type::LRU_PERCPU_HASH), "lru_percpu_hash");
        assert_eq!(type_name(map_type::USER_RINGBUF), "user_ringbuf");
        assert_eq!(type_name(1000), "unknown");
    }

    #[test]
    fn only_plain_maps_change_their_type() {
        assert!(may_become(map_type::HASH, map_type::LRU_PERCPU_HASH));
        assert!(may_become(map_type::RINGBUF, map_type::PERF_EVENT_ARRAY));
        assert!(!may_become(map_type::PERF_EVENT_ARRAY, map_type::RINGBUF));
        assert!(!may_become(map_type::HASH, map_type::QUEUE));
    }
}
