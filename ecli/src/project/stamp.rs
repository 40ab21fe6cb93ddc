//! Stamps: from what a product was made. It is up to date while its stamp stays true.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use eunomia_image::Digest;
use serde::{Deserialize, Serialize};

use super::file;

/// How a product is made, but for the files that are read.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Recipe {
    /// Raised when products are made in another way that the flags do not show.
    pub(super) version: u32,
    /// The compiler's version: another one makes another product.
    pub(super) compiler: String,
    pub(super) flags: Vec<String>,
}

/// What is written beside a product.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stamp {
    recipe: Recipe,
    /// Every file that was read, with the digest of its content.
    inputs: Vec<(PathBuf, Digest)>,
}

impl Stamp {
    /// Reads the inputs, which are relative to `folder`.
    pub(super) fn of(recipe: Recipe, folder: &Path, inputs: Vec<PathBuf>) -> Result<Self> {
        let inputs = inputs
            .into_iter()
            .map(|input| digest(folder, &input).map(|digest| (input, digest)))
            .collect::<Result<_>>()?;
        Ok(Self { recipe, inputs })
    }

    pub(super) fn write(&self, stamp_file: &Path) -> Result<()> {
        file::write(stamp_file, &serde_json::to_vec(self)?)
    }

    /// Whether this is what was written.
    pub(super) fn is_written_in(&self, stamp_file: &Path) -> bool {
        Self::read(stamp_file).is_some_and(|written| written == *self)
    }

    fn read(stamp_file: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(stamp_file).ok()?).ok()
    }

    /// Whether what was written is still true.
    pub(super) fn is_current(stamp_file: &Path, recipe: &Recipe, folder: &Path) -> bool {
        Self::read(stamp_file).is_some_and(|stamp| {
            let same = |(path, before): &(PathBuf, Digest)| {
                digest(folder, path).is_ok_and(|present| present == *before)
            };
            stamp.recipe == *recipe && stamp.inputs.iter().all(same)
        })
    }
}

fn digest(folder: &Path, input: &Path) -> Result<Digest> {
    let path = folder.join(input);
    let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(Digest::of(&bytes))
}

/// The files that clang read, from the dependency file that it wrote.
pub(super) fn read_dependencies(path: &Path) -> Result<Vec<PathBuf>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    Ok(dependencies(&text).into_iter().map(PathBuf::from).collect())
}

/// The prerequisites of the rule in a dependency file.
fn dependencies(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let rule = joined
        .split_once(": ")
        .map_or("", |(_, prerequisites)| prerequisites);
    let mut files = vec![String::new()];
    let mut characters = rule.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                // An escaped space or `#` belongs to the name.
                let escaped = characters.next_if(|next| matches!(next, ' ' | '#' | '\\'));
                push(&mut files, escaped.unwrap_or('\\'));
            }
            '$' if characters.next_if_eq(&'$').is_some() => push(&mut files, '$'),
            character if character.is_whitespace() => files.push(String::new()),
            character => push(&mut files, character),
        }
    }
    files.retain(|file| !file.is_empty());
    files
}

fn push(files: &mut [String], character: char) {
    if let Some(file) = files.last_mut() {
        file.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependency_files_are_read() {
        let text = "x.bpf.o: x.bpf.c \\\n  /a\\ b/x.h cost$$.h \\\n  y.h\n";
        assert_eq!(
            dependencies(text),
            ["x.bpf.c", "/a b/x.h", "cost$.h", "y.h"]
        );
        assert!(dependencies("").is_empty());
    }

    #[test]
    fn a_stamp_is_true_until_something_changes() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("a.c");
        let stamp_file = folder.path().join("a.stamp");
        let recipe = |flag: &str| Recipe {
            version: 1,
            compiler: "clang".to_owned(),
            flags: vec![flag.to_owned()],
        };
        std::fs::write(&input, "one").unwrap();
        let inputs = vec![PathBuf::from("a.c")];
        let stamp = Stamp::of(recipe("-O2"), folder.path(), inputs).unwrap();
        stamp.write(&stamp_file).unwrap();
        let is_current = |flag: &str| Stamp::is_current(&stamp_file, &recipe(flag), folder.path());
        assert!(is_current("-O2"));
        assert!(!is_current("-O3"));
        std::fs::write(&input, "two").unwrap();
        assert!(!is_current("-O2"));
    }
}
