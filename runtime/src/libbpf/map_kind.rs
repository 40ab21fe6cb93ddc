//! What the kinds of maps allow.

use std::os::fd::{AsRawFd, BorrowedFd};

use eunomia_host_abi::kernel::map_type;
use libbpf_sys::{
    BPF_MAP_TYPE_CGROUP_ARRAY, BPF_MAP_TYPE_CGRP_STORAGE, BPF_MAP_TYPE_CPUMAP, BPF_MAP_TYPE_DEVMAP,
    BPF_MAP_TYPE_DEVMAP_HASH, BPF_MAP_TYPE_INODE_STORAGE, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
    BPF_MAP_TYPE_SK_STORAGE, BPF_MAP_TYPE_SOCKHASH, BPF_MAP_TYPE_SOCKMAP,
    BPF_MAP_TYPE_TASK_STORAGE, BPF_MAP_TYPE_XSKMAP,
};

use super::map_fd::Shape;

/// `BPF_F_RB_OVERWRITE`: the producer does not wait for the reader.
pub(super) const RING_OVERWRITE: u32 = 1 << 19;

/// In the values of device and CPU maps: where the descriptor of a program is.
const PROGRAM_OFFSET: usize = 4;

/// Whether user space names an element by a file descriptor.
pub(super) fn keys_are_descriptors(map_type: u32) -> bool {
    matches!(
        map_type,
        BPF_MAP_TYPE_SK_STORAGE
            | BPF_MAP_TYPE_INODE_STORAGE
            | BPF_MAP_TYPE_TASK_STORAGE
            | BPF_MAP_TYPE_CGRP_STORAGE
    )
}

/// Whether the kernel would take some of these values for file descriptors of this process.
pub(super) fn names_descriptors(shape: &Shape, values: &[u8]) -> bool {
    match shape.map_type {
        map_type::PROG_ARRAY
        | map_type::PERF_EVENT_ARRAY
        | BPF_MAP_TYPE_CGROUP_ARRAY
        | map_type::ARRAY_OF_MAPS
        | map_type::HASH_OF_MAPS
        | BPF_MAP_TYPE_SOCKMAP
        | BPF_MAP_TYPE_SOCKHASH
        | BPF_MAP_TYPE_XSKMAP
        | BPF_MAP_TYPE_REUSEPORT_SOCKARRAY => true,
        BPF_MAP_TYPE_DEVMAP | BPF_MAP_TYPE_DEVMAP_HASH | BPF_MAP_TYPE_CPUMAP => values
            .chunks(shape.user_value_size.max(1))
            .filter_map(|value| value.get(PROGRAM_OFFSET..))
            .any(|program| program.iter().any(|byte| *byte != 0)),
        _ => false,
    }
}

/// The value that makes the kernel store what a file descriptor leads to.
pub(super) fn descriptor_value(fd: BorrowedFd<'_>) -> [u8; 4] {
    fd.as_raw_fd().to_ne_bytes()
}

pub(super) fn is_map_of_maps(map_type: u32) -> bool {
    matches!(map_type, map_type::ARRAY_OF_MAPS | map_type::HASH_OF_MAPS)
}

pub(super) fn is_queue(map_type: u32) -> bool {
    matches!(map_type, map_type::QUEUE | map_type::STACK)
}

pub(super) fn can_be_walked(map_type: u32) -> bool {
    is_hash(map_type)
        || matches!(
            map_type,
            map_type::ARRAY | map_type::PERCPU_ARRAY | map_type::LPM_TRIE | map_type::STACK_TRACE
        )
}

pub(super) fn can_be_drained(map_type: u32) -> bool {
    is_hash(map_type) || is_queue(map_type)
}

fn is_hash(map_type: u32) -> bool {
    matches!(
        map_type,
        map_type::HASH | map_type::PERCPU_HASH | map_type::LRU_HASH | map_type::LRU_PERCPU_HASH
    )
}
