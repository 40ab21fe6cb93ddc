//! One contract, many cases: every folder below `tests/guests/` with an `expected.txt` is a case.
//! Its guest is run on the fake kernel, and on the real one where there is root, and must print the
//! same lines on both.
//!
//! Guests in other languages lie beside the one in Rust (`guest.c`, `main.go`) and must print the
//! same: adding a language to a case is adding a file. With `ECLI_CASE=stop` or
//! `ECLI_CASE_LANGUAGE=go` only that case or language is run.
//!
//! Adding a case is adding a folder: an `ecli` project, `expected.txt` (which this test writes when
//! the environment has `ECLI_BLESS=1`, for you to read), and if it needs more than one plain run a
//! `case.toml`, see [`case::Case`]. What its BPF programs do on the fake kernel, which runs no
//! instructions, is said in `fakes.rs`.

mod case;
mod fakes;
mod run;

use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use eunomia_runtime::Tool;
use eunomia_tests::{build, build_in, is_root, repository};

use case::Case;
use run::Bench;

/// Guests that other tests run, which do not compare what they print.
const OTHERS: &[(&str, &str)] = &[
    ("command", "sdk.rs"),
    ("hostile", "hostile.rs"),
    ("plugin", "sdk.rs"),
];

/// Guests of a case beside the one in Rust: adding a language is adding its file.
const LANGUAGES: &[(&str, &str)] = &[
    ("guest.c", "c"),
    ("guest.cpp", "cpp"),
    ("main.go", "go"),
    // A case has one of these two.
    ("guest.ts", "ts"),
    ("guest.js", "ts"),
    ("guest.py", "python"),
    ("guest.zig", "zig"),
];

/// Cases that have a guest in every language; the others show what only some SDKs have.
const IN_EVERY_LANGUAGE: &[&str] = &[
    "attach",
    "driven",
    "errors",
    "globals",
    "map-crud",
    "per-cpu-map",
    "perf-buffer",
    "ring-buffer",
    "rows",
    "stop",
    "trap",
];

/// Name the one case or the one language to run, while working on it.
const ONE_CASE: &str = "ECLI_CASE";
const ONE_LANGUAGE: &str = "ECLI_CASE_LANGUAGE";

/// Asks for `expected.txt` to be written instead of compared.
const BLESS: &str = "ECLI_BLESS";

/// Every case with its tool; built once.
fn cases() -> Result<&'static [(Case, Tool)]> {
    static CASES: OnceLock<Result<Vec<(Case, Tool)>, String>> = OnceLock::new();
    let built = CASES.get_or_init(|| build_all().map_err(|error| format!("{error:#}")));
    built.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

/// Builds the guests of all cases, on as many CPUs as there are: most of the time goes there.
fn build_all() -> Result<Vec<(Case, Tool)>> {
    let guests = guests()?;
    let next = AtomicUsize::new(0);
    let build_some = || {
        let mut built = Vec::new();
        while let Some((name, language)) = guests.get(next.fetch_add(1, Ordering::Relaxed)) {
            let folder = format!("tests/guests/{name}");
            let tool = match *language {
                "rust" => build(&folder),
                _ => build_in(&folder, language),
            };
            built.push((Case::read(name, language)?, tool?));
        }
        Ok::<_, anyhow::Error>(built)
    };
    let count = std::thread::available_parallelism()?.get();
    let mut built = std::thread::scope(|scope| {
        let builders: Vec<_> = (0..count).map(|_| scope.spawn(build_some)).collect();
        let built = builders.into_iter().map(|builder| {
            let ended = builder.join();
            ended.map_err(|_| anyhow::anyhow!("a thread that builds guests has panicked"))?
        });
        built.collect::<Result<Vec<_>>>()
    })?
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    built.sort_by(|(a, _), (b, _)| (&a.name, a.language).cmp(&(&b.name, b.language)));
    Ok(built)
}

/// Names of the cases, and languages in which they have a guest.
fn guests() -> Result<Vec<(String, &'static str)>> {
    let mut guests = Vec::new();
    for name in folders()? {
        let is_other = OTHERS.iter().any(|(other, _)| *other == name);
        if is_other || !is_chosen(ONE_CASE, &name) {
            continue;
        }
        let folder = repository().join("tests/guests").join(&name);
        let others = LANGUAGES.iter();
        let others = others.filter(|(file, _)| folder.join(file).is_file());
        let languages = others.map(|(_, language)| *language);
        guests.extend(
            std::iter::once("rust")
                .chain(languages)
                .filter(|language| is_chosen(ONE_LANGUAGE, language))
                .map(|language| (name.clone(), language)),
        );
    }
    Ok(guests)
}

/// Whether the environment asks for this name, or for none.
fn is_chosen(variable: &str, name: &str) -> bool {
    std::env::var(variable).map_or(true, |one| one == name)
}

fn folders() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in repository().join("tests/guests").read_dir()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(
                entry
                    .file_name()
                    .into_string()
                    .ok()
                    .context("a name in UTF-8")?,
            );
        }
    }
    names.sort();
    Ok(names)
}

/// Run every case that `kernel` can do and compare.
fn compare_all(kernel: run::KernelName) -> Result<()> {
    let mut wrong = String::new();
    for (case, tool) in cases()?.iter().filter(|(case, _)| case.runs_on(kernel)) {
        if let Some(reason) = run::forbidden(kernel, case, tool)? {
            // Not with `eprintln!`, which the harness keeps to itself when a test passes.
            let mut stderr = std::io::stderr();
            std::io::Write::write_all(
                &mut stderr,
                format!("NOT RUN: {} in {}: {reason}\n", case.name, case.language).as_bytes(),
            )?;
            continue;
        }
        let printed = Bench::new(kernel, case, tool)?.run_all();
        let printed = printed.with_context(|| {
            format!("{} in {} on the {kernel} kernel", case.name, case.language)
        })?;
        let expected = case.expected_path();
        let blesses = case.language == "rust" && kernel == case.blessing_kernel();
        if std::env::var_os(BLESS).is_some() && blesses {
            std::fs::write(expected, &printed)?;
            continue;
        }
        let wanted = std::fs::read_to_string(&expected)
            .with_context(|| format!("read {}", expected.display()))?;
        if printed != wanted {
            let difference = difference(&wanted, &printed);
            writeln!(
                wrong,
                "\n{} in {} on the {kernel} kernel:\n{difference}",
                case.name, case.language
            )?;
        }
    }
    ensure!(
        wrong.is_empty(),
        "cases that print something else:\n{wrong}"
    );
    Ok(())
}

/// The first lines that differ; the rest follows from them.
fn difference(wanted: &str, printed: &str) -> String {
    const LINES_MAX: usize = 5;
    let (mut wanted, mut printed) = (wanted.lines(), printed.lines());
    let mut text = String::new();
    let mut number = 0;
    let mut shown = 0;
    loop {
        number += 1;
        match (wanted.next(), printed.next()) {
            (None, None) => return text,
            (wanted, printed) if wanted == printed => {}
            (wanted, printed) => {
                let (wanted, printed) = (wanted.unwrap_or("(end)"), printed.unwrap_or("(end)"));
                text += &format!("  line {number}\n  - {wanted}\n  + {printed}\n");
                shown += 1;
            }
        }
        if shown == LINES_MAX {
            return text + "  ...";
        }
    }
}

#[test]
fn every_folder_of_guests_is_a_case_or_has_a_test_of_its_own() -> Result<()> {
    let manifest = std::fs::read_to_string(repository().join("Cargo.toml"))?;
    let manifest: toml::Table = manifest.parse()?;
    let members = manifest["workspace"]["members"]
        .as_array()
        .context("members")?;
    for name in folders()? {
        let path = format!("tests/guests/{name}");
        let listed = members.iter().any(|member| member.as_str() == Some(&path));
        ensure!(listed, "{path} is not among the members of the workspace");
        match OTHERS.iter().find(|(other, _)| *other == name) {
            Some((_, test)) => {
                let test = repository().join("tests/tests").join(test);
                let text = std::fs::read_to_string(&test)?;
                ensure!(
                    text.contains(&path),
                    "{} does not run {path}",
                    test.display()
                );
            }
            None => {
                let expected = repository().join(&path).join("expected.txt");
                ensure!(expected.exists(), "{} is missing", expected.display());
                Case::read(&name, "rust")?;
            }
        }
    }
    Ok(())
}

#[test]
fn what_every_sdk_can_do_is_shown_in_every_language() -> Result<()> {
    for case in IN_EVERY_LANGUAGE {
        let folder = repository().join("tests/guests").join(case);
        for (_, language) in LANGUAGES {
            let mut files = LANGUAGES.iter().filter(|(_, other)| other == language);
            ensure!(
                files.any(|(file, _)| folder.join(file).is_file()),
                "case {case} has no guest in {language}"
            );
        }
    }
    Ok(())
}

#[test]
fn every_case_prints_what_is_expected_on_the_fake_kernel() -> Result<()> {
    compare_all(run::KernelName::Fake)
}

#[test]
fn every_case_prints_what_is_expected_on_the_real_kernel() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    compare_all(run::KernelName::Real)
}
