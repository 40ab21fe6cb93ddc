//! Where the store is when the user does not say.

use std::path::PathBuf;

use crate::{Error, ErrorKind, Result};

const SYSTEM_ROOT: &str = "/var/lib/ecli";
const USER_FOLDER: &str = "ecli";

/// The default folder of the store: `/var/lib/ecli` for root, else `$XDG_DATA_HOME/ecli` or
/// `~/.local/share/ecli`.
///
/// # Errors
/// [`ErrorKind::NotFound`] for a user without a home.
pub fn default_store_root() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    choose(
        rustix::process::geteuid().is_root(),
        variable("XDG_DATA_HOME"),
        variable("HOME"),
    )
}

fn choose(is_root: bool, data_home: Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf> {
    if is_root {
        return Ok(PathBuf::from(SYSTEM_ROOT));
    }
    // The XDG specification has relative paths ignored.
    let absolute = |path: &PathBuf| path.is_absolute();
    data_home
        .filter(absolute)
        .or_else(|| home.filter(absolute).map(|home| home.join(".local/share")))
        .map(|data| data.join(USER_FOLDER))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "find the store: neither XDG_DATA_HOME nor HOME is an absolute path",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_has_a_system_store_and_users_have_their_own() {
        let path = |text: &str| Some(PathBuf::from(text));
        let chosen = |root, data, home| choose(root, data, home).expect("chosen");
        assert_eq!(
            chosen(true, path("/data"), path("/root")),
            PathBuf::from("/var/lib/ecli")
        );
        assert_eq!(
            chosen(false, path("/data"), path("/home/u")),
            PathBuf::from("/data/ecli")
        );
        let in_home = PathBuf::from("/home/u/.local/share/ecli");
        assert_eq!(chosen(false, None, path("/home/u")), in_home);
        assert_eq!(chosen(false, path("relative"), path("/home/u")), in_home);
        assert!(choose(false, None, None).is_err());
        assert!(choose(false, path(""), path("")).is_err());
    }
}
