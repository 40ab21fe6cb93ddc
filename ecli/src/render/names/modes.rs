//! Modes of files and flags of `open`: include/uapi/linux/stat.h, include/uapi/asm-generic/fcntl.h.

/// Appends a mode as `ls` shows it: `drwxr-sr-x`.
pub(in crate::render) fn write_file_mode(text: &mut Vec<u8>, mode: u64) {
    const KINDS: [(u64, u8); 7] = [
        (0o14, b's'),
        (0o12, b'l'),
        (0o10, b'-'),
        (0o06, b'b'),
        (0o04, b'd'),
        (0o02, b'c'),
        (0o01, b'p'),
    ];
    let kind = mode >> 12 & 0o17;
    let known = KINDS.iter().find(|(number, _)| *number == kind);
    text.push(known.map_or(if kind == 0 { b'-' } else { b'?' }, |(_, letter)| *letter));
    for (shift, special, letters) in [(6, 0o4000, b"sS"), (3, 0o2000, b"sS"), (0, 0o1000, b"tT")] {
        let bits = mode >> shift;
        text.push(if bits & 4 > 0 { b'r' } else { b'-' });
        text.push(if bits & 2 > 0 { b'w' } else { b'-' });
        text.push(match (mode & special > 0, bits & 1 > 0) {
            (true, true) => letters[0],
            (true, false) => letters[1],
            (false, true) => b'x',
            (false, false) => b'-',
        });
    }
}

/// The names of the flags of `open`, and the bits that have none.
pub(in crate::render) fn file_flags(flags: u64) -> (Vec<&'static str>, u64) {
    let access = match flags & 3 {
        0 => "O_RDONLY",
        1 => "O_WRONLY",
        2 => "O_RDWR",
        _ => "O_ACCMODE",
    };
    let mut names = vec![access];
    let mut rest = flags & !3;
    for (bits, name) in FILE_FLAGS {
        if rest & bits == bits {
            names.push(name);
            rest &= !bits;
        }
    }
    (names, rest)
}

/// What differs between CPUs.
#[cfg(target_arch = "aarch64")]
const DIRECTORY_TO_DIRECT: [(u64, &str); 4] = [
    (0o40_000, "O_DIRECTORY"),
    (0o100_000, "O_NOFOLLOW"),
    (0o200_000, "O_DIRECT"),
    (0o400_000, "O_LARGEFILE"),
];
#[cfg(not(target_arch = "aarch64"))]
const DIRECTORY_TO_DIRECT: [(u64, &str); 4] = [
    (0o200_000, "O_DIRECTORY"),
    (0o400_000, "O_NOFOLLOW"),
    (0o40_000, "O_DIRECT"),
    (0o100_000, "O_LARGEFILE"),
];

/// Flags that hold others come first.
const FILE_FLAGS: [(u64, &str); 17] = [
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1_000, "O_TRUNC"),
    (0o2_000, "O_APPEND"),
    (0o4_000, "O_NONBLOCK"),
    (0o4_010_000, "O_SYNC"),
    (0o10_000, "O_DSYNC"),
    (0o20_000, "O_ASYNC"),
    DIRECTORY_TO_DIRECT[0],
    DIRECTORY_TO_DIRECT[1],
    DIRECTORY_TO_DIRECT[2],
    DIRECTORY_TO_DIRECT[3],
    (0o1_000_000, "O_NOATIME"),
    (0o2_000_000, "O_CLOEXEC"),
    (0o10_000_000, "O_PATH"),
    (0o20_000_000, "O_TMPFILE"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_shown_as_ls_does() {
        let shown = |mode| {
            let mut text = Vec::new();
            write_file_mode(&mut text, mode);
            String::from_utf8(text).unwrap()
        };
        assert_eq!(shown(0o100_644), "-rw-r--r--");
        assert_eq!(shown(0o41_777), "drwxrwxrwt");
        assert_eq!(shown(0o104_755), "-rwsr-xr-x");
        assert_eq!(shown(0o102_644), "-rw-r-Sr--");
        assert_eq!(shown(0o755), "-rwxr-xr-x");
    }

    #[test]
    fn flags_have_the_values_that_the_system_has_for_them() {
        use rustix::fs::OFlags;
        for (flags, names) in [
            (OFlags::WRONLY | OFlags::CREATE, "O_WRONLY O_CREAT"),
            (OFlags::SYNC, "O_RDONLY O_SYNC"),
            (
                OFlags::RDWR | OFlags::DIRECT | OFlags::CLOEXEC,
                "O_RDWR O_DIRECT O_CLOEXEC",
            ),
            (
                OFlags::DIRECTORY | OFlags::NOFOLLOW,
                "O_RDONLY O_DIRECTORY O_NOFOLLOW",
            ),
            (OFlags::PATH, "O_RDONLY O_PATH"),
        ] {
            assert_eq!(
                file_flags(flags.bits().into()),
                (names.split(' ').collect(), 0)
            );
        }
        assert_eq!(file_flags(1 << 40), (vec!["O_RDONLY"], 1 << 40));
    }
}
