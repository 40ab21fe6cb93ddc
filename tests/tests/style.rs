//! Those rules of style that a program can check, on every text file that git would keep.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Lines of a Rust file; a reader loses the thread of a longer one.
const FILE_LINES_MAX: usize = 1_000;

/// Characters in a line of code: two files fit side by side on a screen.
const COLUMNS_MAX: usize = 100;

/// Stands in the first lines of files that a program wrote, which are not read line by line.
const GENERATED: &str = "@generated";

/// Folders with other projects' files, kept as they are.
const FOREIGN: &[&str] = &["wit/deps/"];

#[test]
fn no_rust_file_is_too_long_to_read() -> Result<()> {
    let mut wrong = Vec::new();
    for file in files(&["*.rs"])?.iter().filter(|file| !file.is_generated()) {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{} has {lines} lines", file.name));
        }
    }
    none(
        &format!("Rust files of more than {FILE_LINES_MAX} lines"),
        &wrong,
    )
}

#[test]
fn no_line_of_code_is_too_wide() -> Result<()> {
    const CODE: &[&str] = &[
        "*.rs",
        "*.wit",
        "*.c",
        "*.h",
        "*.cpp",
        "*.hpp",
        "*.go",
        "*.zig",
        "*.py",
        "Makefile",
        "scripts/*",
        ".ci/*",
    ];
    let mut wrong = Vec::new();
    for file in files(CODE)?.iter().filter(|file| !file.is_generated()) {
        for (number, line) in file.numbered_lines() {
            // The address in a comment cannot be broken.
            if line.chars().count() > COLUMNS_MAX && !line.contains("https://") {
                wrong.push(format!("{}:{number}", file.name));
            }
        }
    }
    none(
        &format!("lines of more than {COLUMNS_MAX} characters"),
        &wrong,
    )
}

#[test]
fn nothing_is_left_for_later_in_the_text() -> Result<()> {
    // Put together here, or this file would be found.
    let marks = ["TO_DO", "FIX_ME", "to_do!(", "un_implemented!("];
    contains_none_of(
        "marks of unfinished work",
        &marks.map(|mark| mark.replace('_', "")),
    )
}

#[test]
fn nothing_names_a_folder_of_the_machine_it_was_written_on() -> Result<()> {
    let folders = ["/_work/", "/_root/.", "/tmp/_t/"];
    contains_none_of(
        "folders of one machine",
        &folders.map(|folder| folder.replace('_', "")),
    )
}

fn contains_none_of(what: &str, needles: &[String]) -> Result<()> {
    let mut wrong = Vec::new();
    for file in files(&[])? {
        for (number, line) in file.numbered_lines() {
            for needle in needles
                .iter()
                .filter(|needle| line.contains(needle.as_str()))
            {
                wrong.push(format!("{}:{number}: {needle}", file.name));
            }
        }
    }
    none(what, &wrong)
}

struct File {
    /// From the root of the repository.
    name: String,
    text: String,
}

impl File {
    fn numbered_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    fn is_generated(&self) -> bool {
        const HEAD_LINES: usize = 5;
        self.text
            .lines()
            .take(HEAD_LINES)
            .any(|line| line.contains(GENERATED))
    }
}

/// The text files that match one of the patterns (all, when there is none), new ones included.
fn files(patterns: &[&str]) -> Result<Vec<File>> {
    let root = repository();
    let output = Command::new("git")
        // Run through sudo, the files belong to somebody else, and git would refuse them.
        .args(["-c", "safe.directory=*"])
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
        ])
        .args(patterns)
        .current_dir(&root)
        .output()
        .context("run git ls-files")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git ls-files failed: {problem}");
    let names = String::from_utf8(output.stdout).context("a file name that is not UTF-8")?;
    let names = names.split_terminator('\0');
    let ours = names.filter(|name| !FOREIGN.iter().any(|folder| name.starts_with(folder)));
    let files: Vec<File> = ours.filter_map(|name| read_text(&root, name)).collect();
    ensure!(!files.is_empty(), "no file matches {patterns:?}");
    Ok(files)
}

/// Nothing for files that are no text, and for those that were deleted but not committed.
fn read_text(root: &Path, name: &str) -> Option<File> {
    let text = std::fs::read_to_string(root.join(name)).ok()?;
    Some(File {
        name: name.to_owned(),
        text,
    })
}

fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests/ lies in the repository")
        .to_owned()
}

fn none(what: &str, wrong: &[String]) -> Result<()> {
    ensure!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
    Ok(())
}
