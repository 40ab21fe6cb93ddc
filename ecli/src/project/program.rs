//! Compilers of guests: found in the PATH or by a variable, and asked for their version.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::environment::variable;
use crate::failure::{HintExt as _, hinted};

/// What is looked for.
pub(super) struct Wanted {
    /// What people call it: `Zig`, `a Go toolchain`.
    pub(super) what: &'static str,
    /// Names another program than that of the PATH.
    pub(super) variable: &'static str,
    /// In the PATH.
    pub(super) name: &'static str,
    /// Has it print its version.
    pub(super) argument: &'static str,
    /// How to get it, on each system.
    pub(super) install: &'static str,
}

impl Wanted {
    /// The program and its version, which `parse` reads from what it prints and must find
    /// `suitable`; `needs` says which ones are.
    ///
    /// # Errors
    /// When it is missing, prints something else, or is unsuitable; what is missing is told how to
    /// get.
    pub(super) fn find<V>(
        &self,
        parse: impl Fn(&str) -> Option<V>,
        suitable: impl Fn(&V) -> bool,
        needs: &str,
    ) -> Result<(PathBuf, V)> {
        let program =
            variable(self.variable).map_or_else(|| PathBuf::from(self.name), PathBuf::from);
        let operation = || {
            let (what, shown) = (self.what, program.display());
            format!("find {what}: run {shown} {}", self.argument)
        };
        let asked = Command::new(&program)
            .arg(self.argument)
            .stdin(Stdio::null())
            .output();
        let output = match asked {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(error).with_context(operation).hint(self.install);
            }
            Err(error) => return Err(error).with_context(operation),
        };
        let said = String::from_utf8_lossy(&output.stdout);
        let Some(version) = parse(&said).filter(|_| output.status.success()) else {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!(
                "{}: it printed no version: {}{}",
                operation(),
                said.trim(),
                words.trim_end()
            );
        };
        if !suitable(&version) {
            let error = anyhow!(
                "{}: it is {}, guests need {needs}",
                operation(),
                said.trim()
            );
            return Err(hinted(error, self.install));
        }
        Ok((program, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &'static str, argument: &'static str) -> Wanted {
        Wanted {
            what: "a program",
            variable: "ECLI_TEST_NO_SUCH_VARIABLE",
            name,
            argument,
            install: "install it",
        }
    }

    fn failure(wanted: &Wanted, suitable: bool) -> String {
        let parse = |text: &str| text.trim().parse::<u32>().ok();
        let error = wanted.find(parse, |_| suitable, "2").unwrap_err();
        format!("{error:#}")
    }

    #[test]
    fn what_is_missing_mute_or_unsuitable_is_told_apart() {
        let missing = failure(&wanted("no-such-program-of-ecli", "1"), true);
        assert!(missing.contains("find a program: run no-such-program-of-ecli 1"));
        let mute = failure(&wanted("echo", "text"), true);
        assert!(mute.contains("it printed no version: text"), "{mute}");
        let unsuitable = failure(&wanted("echo", "1"), false);
        assert!(
            unsuitable.contains("it is 1, guests need 2"),
            "{unsuitable}"
        );
        let parse = |text: &str| text.trim().parse::<u32>().ok();
        let found = wanted("echo", "7").find(parse, |_| true, "");
        assert_eq!(found.unwrap(), (PathBuf::from("echo"), 7));
    }
}
