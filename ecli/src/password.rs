//! Passwords of private keys: from the environment, or typed. Never from arguments, which every
//! process of the machine can read.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use anyhow::{Context as _, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::failure::HintExt as _;

/// The variables that hold it, ours first.
const VARIABLES: [&str; 2] = ["ECLI_KEY_PASSWORD", "COSIGN_PASSWORD"];

/// Bytes of a password.
const PASSWORD_BYTES_MAX: u64 = 4096;

/// The password of a key that exists.
pub(crate) fn existing() -> Result<String> {
    match from_environment() {
        Some(password) => Ok(password),
        None => typed("Password of the key: "),
    }
}

/// The password for a new key: typed twice, as nobody sees it.
pub(crate) fn new() -> Result<String> {
    if let Some(password) = from_environment() {
        return Ok(password);
    }
    let password = typed("Password for the new key: ")?;
    if typed("Once more: ")? != password {
        bail!("the two passwords differ");
    }
    Ok(password)
}

fn from_environment() -> Option<String> {
    VARIABLES.iter().find_map(|name| std::env::var(name).ok())
}

fn typed(prompt: &str) -> Result<String> {
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .context("ask for the password: there is no terminal")
        .hint(format!("set {} to the password", VARIABLES[0]))?;
    let operation = "ask for the password";
    let _silence = Silence::begin(&terminal).context(operation)?;
    (&terminal)
        .write_all(prompt.as_bytes())
        .context(operation)?;
    let mut password = String::new();
    BufReader::new((&terminal).take(PASSWORD_BYTES_MAX))
        .read_line(&mut password)
        .context(operation)?;
    (&terminal).write_all(b"\n").context(operation)?;
    Ok(password.trim_end_matches(['\n', '\r']).to_owned())
}

/// What is typed does not show while this lives.
struct Silence<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Silence<'t> {
    fn begin(terminal: &'t File) -> std::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // Nothing is left to do when the terminal has gone.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
