//! Names of numbers of the kernel: include/uapi/asm-generic/errno{-base,}.h and signal.h, as x86
//! and ARM have them.

/// The name of an errno, positive or negative as the kernel returns it.
pub(in crate::render) fn errno_name(number: i64) -> Option<&'static str> {
    let number = usize::try_from(number.unsigned_abs()).ok()?;
    ERRNO_NAMES
        .get(number.checked_sub(1)?)
        .copied()
        .filter(|name| !name.is_empty())
}

/// The name of a signal.
pub(in crate::render) fn signal_name(number: i64) -> Option<&'static str> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    SIGNAL_NAMES.get(index).copied()
}

/// The errno of a name.
pub(in crate::render) fn errno_number(name: &str) -> Option<i64> {
    number_of(name, &ERRNO_NAMES)
}

/// The signal of a name.
pub(in crate::render) fn signal_number(name: &str) -> Option<i64> {
    number_of(name, &SIGNAL_NAMES)
}

fn number_of(name: &str, names: &[&str]) -> Option<i64> {
    let index = names
        .iter()
        .position(|known| *known == name && !name.is_empty())?;
    i64::try_from(index + 1).ok()
}

/// From 1. 41 and 58 are not used.
const ERRNO_NAMES: [&str; 133] = [
    "EPERM",
    "ENOENT",
    "ESRCH",
    "EINTR",
    "EIO",
    "ENXIO",
    "E2BIG",
    "ENOEXEC",
    "EBADF",
    "ECHILD",
    "EAGAIN",
    "ENOMEM",
    "EACCES",
    "EFAULT",
    "ENOTBLK",
    "EBUSY",
    "EEXIST",
    "EXDEV",
    "ENODEV",
    "ENOTDIR",
    "EISDIR",
    "EINVAL",
    "ENFILE",
    "EMFILE",
    "ENOTTY",
    "ETXTBSY",
    "EFBIG",
    "ENOSPC",
    "ESPIPE",
    "EROFS",
    "EMLINK",
    "EPIPE",
    "EDOM",
    "ERANGE",
    "EDEADLK",
    "ENAMETOOLONG",
    "ENOLCK",
    "ENOSYS",
    "ENOTEMPTY",
    "ELOOP",
    "",
    "ENOMSG",
    "EIDRM",
    "ECHRNG",
    "EL2NSYNC",
    "EL3HLT",
    "EL3RST",
    "ELNRNG",
    "EUNATCH",
    "ENOCSI",
    "EL2HLT",
    "EBADE",
    "EBADR",
    "EXFULL",
    "ENOANO",
    "EBADRQC",
    "EBADSLT",
    "",
    "EBFONT",
    "ENOSTR",
    "ENODATA",
    "ETIME",
    "ENOSR",
    "ENONET",
    "ENOPKG",
    "EREMOTE",
    "ENOLINK",
    "EADV",
    "ESRMNT",
    "ECOMM",
    "EPROTO",
    "EMULTIHOP",
    "EDOTDOT",
    "EBADMSG",
    "EOVERFLOW",
    "ENOTUNIQ",
    "EBADFD",
    "EREMCHG",
    "ELIBACC",
    "ELIBBAD",
    "ELIBSCN",
    "ELIBMAX",
    "ELIBEXEC",
    "EILSEQ",
    "ERESTART",
    "ESTRPIPE",
    "EUSERS",
    "ENOTSOCK",
    "EDESTADDRREQ",
    "EMSGSIZE",
    "EPROTOTYPE",
    "ENOPROTOOPT",
    "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT",
    "EOPNOTSUPP",
    "EPFNOSUPPORT",
    "EAFNOSUPPORT",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "ENETDOWN",
    "ENETUNREACH",
    "ENETRESET",
    "ECONNABORTED",
    "ECONNRESET",
    "ENOBUFS",
    "EISCONN",
    "ENOTCONN",
    "ESHUTDOWN",
    "ETOOMANYREFS",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "EALREADY",
    "EINPROGRESS",
    "ESTALE",
    "EUCLEAN",
    "ENOTNAM",
    "ENAVAIL",
    "EISNAM",
    "EREMOTEIO",
    "EDQUOT",
    "ENOMEDIUM",
    "EMEDIUMTYPE",
    "ECANCELED",
    "ENOKEY",
    "EKEYEXPIRED",
    "EKEYREVOKED",
    "EKEYREJECTED",
    "EOWNERDEAD",
    "ENOTRECOVERABLE",
    "ERFKILL",
    "EHWPOISON",
];

/// From 1.
const SIGNAL_NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_names_that_the_system_has_for_them() {
        use rustix::io::Errno;
        for (errno, name) in [
            (Errno::PERM, "EPERM"),
            (Errno::RANGE, "ERANGE"),
            (Errno::NOMSG, "ENOMSG"),
            (Errno::BFONT, "EBFONT"),
            (Errno::OVERFLOW, "EOVERFLOW"),
            (Errno::TIMEDOUT, "ETIMEDOUT"),
            (Errno::HWPOISON, "EHWPOISON"),
        ] {
            assert_eq!(errno_name(errno.raw_os_error().into()), Some(name));
            assert_eq!(errno_name(-i64::from(errno.raw_os_error())), Some(name));
        }
        assert_eq!([0, 41, 58, 134, i64::MIN].map(errno_name), [None; 5]);
        assert_eq!(signal_name(9), Some("SIGKILL"));
        assert_eq!(signal_name(31), Some("SIGSYS"));
        assert_eq!([0, 32, -1].map(signal_name), [None; 3]);
        assert_eq!(errno_number("ENOENT"), Some(2));
        assert_eq!(signal_number("SIGKILL"), Some(9));
        assert_eq!([errno_number(""), signal_number("SIGNOT")], [None; 2]);
    }
}
