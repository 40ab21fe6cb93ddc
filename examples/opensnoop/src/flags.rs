//! Names of the flags of open(2).

use std::fmt::Write;

use crate::bpf::CpuFlags;

const ACCESS_MODE: u64 = 0o3;
const ACCESS_MODES: [&str; 4] = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"];

/// Those that have the same values on all CPUs that BPF objects are built for. Larger sets come
/// before the bits that they consist of.
const FLAGS: [(u64, &str); 14] = [
    (0o20_200_000, "O_TMPFILE"),
    (0o4_010_000, "O_SYNC"),
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1_000, "O_TRUNC"),
    (0o2_000, "O_APPEND"),
    (0o4_000, "O_NONBLOCK"),
    (0o10_000, "O_DSYNC"),
    (0o20_000, "O_ASYNC"),
    (0o1_000_000, "O_NOATIME"),
    (0o2_000_000, "O_CLOEXEC"),
    (0o10_000_000, "O_PATH"),
    (0o20_000_000, "__O_TMPFILE"),
];

/// Appends flags as a C programmer writes them; what has no name as an octal number.
pub(crate) fn append_flags(flags: u64, cpu: &CpuFlags, out: &mut String) {
    out.push_str(ACCESS_MODES[(flags & ACCESS_MODE) as usize]);
    let of_cpu = [
        (cpu.direct, "O_DIRECT"),
        (cpu.directory, "O_DIRECTORY"),
        (cpu.nofollow, "O_NOFOLLOW"),
    ];
    let mut rest = flags & !ACCESS_MODE;
    for (bits, name) in FLAGS.into_iter().chain(of_cpu) {
        if rest & bits == bits {
            rest &= !bits;
            out.push('|');
            out.push_str(name);
        }
    }
    if rest != 0 {
        // Writing to a string cannot fail.
        let _ = write!(out, "|0{rest:o}");
    }
}
