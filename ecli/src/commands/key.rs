//! `ecli key`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use eunomia_image::{PrivateKey, PublicKey};

use super::print_line;
use crate::failure::HintExt as _;
use crate::password;

const AFTER_HELP: &str = "\
Keys are ECDSA P-256, in the form of cosign: `cosign sign --key` takes them, and `ecli sign` takes
those of cosign. The password comes from ECLI_KEY_PASSWORD or COSIGN_PASSWORD, or is asked for.

Examples:
  ecli key generate                    Write ecli.key (keep it secret) and ecli.pub
  ecli key generate release            Write release.key and release.pub
  ecli key show release.pub            Print its fingerprint";

/// Bytes of a file with a key; the library refuses it before that.
const KEY_FILE_BYTES_MAX: u64 = 1 << 20;

/// Make keys that sign images
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a new pair of keys
    Generate {
        /// Where to write it, without .key and .pub
        #[arg(default_value = "ecli", value_name = "NAME")]
        name: PathBuf,
        /// Do not protect the private key with a password
        #[arg(long)]
        no_password: bool,
    },
    /// Print the fingerprint of a public key
    Show {
        /// File with the public key
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Carries out the command.
pub(crate) fn run(options: Options) -> Result<()> {
    match options.command {
        KeyCommand::Generate { name, no_password } => generate(&name, no_password),
        KeyCommand::Show { file } => print_line(read_public(&file)?.fingerprint()),
    }
}

fn generate(name: &Path, no_password: bool) -> Result<()> {
    let (private, public) = (with_extension(name, ".key"), with_extension(name, ".pub"));
    let key = PrivateKey::generate()?;
    let pem = match no_password {
        true => key.to_pem()?,
        false => key.to_encrypted_pem(password::new()?.as_bytes())?,
    };
    let public_key = key.public_key();
    write_new(&private, 0o600, pem.as_bytes())?;
    write_new(&public, 0o644, public_key.to_pem().as_bytes())?;
    say!("wrote {} and {}", private.display(), public.display());
    print_line(public_key.fingerprint())
}

fn with_extension(name: &Path, extension: &str) -> PathBuf {
    let mut path = name.as_os_str().to_owned();
    path.push(extension);
    path.into()
}

/// A key that is there already may be the only copy.
fn write_new(path: &Path, mode: u32, content: &[u8]) -> Result<()> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    let exists = matches!(&written, Err(error) if error.kind() == ErrorKind::AlreadyExists);
    let written = written.with_context(|| format!("write {}", path.display()));
    match exists {
        true => written.hint("keys are never overwritten: choose another name"),
        false => written,
    }
}

/// Reads a public key.
pub(crate) fn read_public(path: &Path) -> Result<PublicKey> {
    PublicKey::from_pem(&read(path)?).with_context(|| format!("read {}", path.display()))
}

/// Reads a private key, asking for its password if it has one.
pub(crate) fn read_private(path: &Path) -> Result<PrivateKey> {
    let pem = read(path)?;
    let password = match PrivateKey::is_encrypted(&pem) {
        true => Some(password::existing()?),
        false => None,
    };
    PrivateKey::from_pem(&pem, password.as_deref().map(str::as_bytes))
        .with_context(|| format!("read {}", path.display()))
}

fn read(path: &Path) -> Result<String> {
    let operation = || format!("read {}", path.display());
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text))
        .with_context(operation)?;
    Ok(text)
}
