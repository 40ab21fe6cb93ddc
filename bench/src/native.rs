//! The programs of `native/`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::guest::Round;

#[derive(Debug)]
pub(crate) struct Native {
    folder: PathBuf,
    object: PathBuf,
}

impl Native {
    /// The programs in `folder`, where `object` is put for them.
    pub(crate) fn new(folder: &Path, object: &[u8]) -> Result<Self> {
        // The names of its sections' maps come from the name of the file.
        let path = folder.join("bench.bpf.o");
        std::fs::write(&path, object).with_context(|| format!("write {}", path.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            object: path,
        })
    }

    /// The path of a program that is not run by this type.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What starts `processes` processes.
    pub(crate) fn burst(&self, processes: u32, interval_us: u32, workers: usize) -> Command {
        let mut command = Command::new(self.path("burst"));
        command.args([
            processes.to_string(),
            interval_us.to_string(),
            workers.to_string(),
        ]);
        command.current_dir(&self.folder);
        command
    }

    /// Start one process, and wait for its end.
    pub(crate) fn start_one(&self) -> Result<()> {
        let mut command = Command::new("./bench-probe");
        output(command.current_dir(&self.folder)).map(drop)
    }

    /// `reader` and the object, which are followed by what it is to do.
    pub(crate) fn reader(&self) -> Vec<OsString> {
        vec![self.path("reader").into(), self.object.clone().into()]
    }

    /// Run `reader`, and return what it measured.
    pub(crate) fn read(&self, arguments: &[String]) -> Result<Vec<Round>> {
        let mut command = Command::new(self.path("reader"));
        command.arg(&self.object).args(arguments);
        Round::parse_all(&output(&mut command)?)
    }
}

/// What a command prints, which must succeed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "run {command:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
