//! Variables of the environment. An empty one counts as one that is not set, as most tools have it.

use std::ffi::OsString;
use std::path::PathBuf;

/// The value of a variable.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder that a variable names; relative paths do not count (XDG base directories).
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let path = variable(name).map(PathBuf::from);
    path.filter(|path| path.is_absolute())
}

/// A folder of this user: that of the variable, or a path below their home.
pub(crate) fn user_folder(name: &str, below_home: &str) -> Option<PathBuf> {
    folder(name).or_else(|| Some(folder("HOME")?.join(below_home)))
}

/// Whether output may have colours where it is shown on a terminal (<https://no-color.org>).
pub(crate) fn allows_colour() -> bool {
    variable("NO_COLOR").is_none()
}
