//! The same guest in every language: how large it is, how long it takes to build and to start, how
//! fast it reads, and whether its memory grows. docs/languages.md has what this prints.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use eunomia_image::{Platform, Reference, Store};
use tempfile::TempDir;

use crate::child;
use crate::guest::Round;
use crate::report::{Case, Group};
use crate::samples::Samples;

/// All of them; ratios are to the first.
const LANGUAGES: [&str; 7] = ["rust", "c", "cpp", "zig", "go", "ts", "python"];

/// The project, from the repository's root, where `scripts/bench` runs this.
const PROJECT: &str = "bench/languages";

/// Rounds in which a million records, and ten million, are read: each empties a ring of 1 MiB,
/// which holds 14,563 records of 64 bytes.
const ROUNDS_FEW: u32 = 69;
const ROUNDS_MANY: u32 = 687;

/// Rounds of which the time of one is taken: the first ones touch memory for the first time.
const ROUNDS: u32 = 40;
const ROUNDS_UNCOUNTED: usize = 5;

/// Rounds that take longer than [`CAREFUL_TIME_MAX`].
const ROUNDS_ENDLESS: u32 = 1_000_000;

/// How long compiling with care may take.
const CAREFUL_TIME_MAX: Duration = Duration::from_secs(300);

pub(crate) fn measure(ecli: &Path, runs: usize) -> Result<Vec<Group>> {
    let folder = tempfile::tempdir().context("create a temporary folder")?;
    let bench = Bench { ecli, folder };
    let mut columns = Vec::new();
    for language in LANGUAGES {
        let column = bench.measure(language, runs);
        columns.push(column.with_context(|| format!("measure {language}"))?);
    }
    let group = |title: &str, unit, cases: &[&str], of: fn(&Column) -> Vec<Vec<f64>>| Group {
        title: title.into(),
        unit,
        subjects: LANGUAGES.map(str::to_owned).into(),
        cases: cases
            .iter()
            .enumerate()
            .map(|(index, name)| Case {
                name: (*name).into(),
                cells: columns
                    .iter()
                    .map(|column| Samples::new(of(column).swap_remove(index)))
                    .collect(),
            })
            .collect(),
    };
    Ok(vec![
        group("Size of the component", "KiB", &["flood"], |column| {
            vec![vec![column.bytes as f64 / 1024.0]]
        }),
        group(
            "Time to build",
            "s",
            &["the first time", "after a change"],
            |column| vec![vec![column.build_first], vec![column.build_again]],
        ),
        group(
            "Start, read one ring, end",
            "ms",
            &["compiled before", "compiled now"],
            |column| vec![column.warm.clone(), vec![column.cold]],
        ),
        group(
            "Read a record of 64 bytes in batches",
            "ns",
            &["one field of each"],
            |column| vec![column.record.clone()],
        ),
        group(
            "Peak memory of ecli with the guest",
            "MiB",
            &["after 1 million records", "after 10 million records"],
            |column| {
                let mib = |bytes: u64| vec![bytes as f64 / f64::from(1 << 20)];
                vec![mib(column.memory[0]), mib(column.memory[1])]
            },
        ),
    ])
}

struct Column {
    bytes: usize,
    build_first: f64,
    build_again: f64,
    warm: Vec<f64>,
    cold: f64,
    record: Vec<f64>,
    memory: [u64; 2],
}

struct Bench<'b> {
    ecli: &'b Path,
    folder: TempDir,
}

impl Bench<'_> {
    fn measure(&self, language: &str, runs: usize) -> Result<Column> {
        let project = self.copy(language)?;
        let build_first = self.build(language, &project)?;
        change(&project, language)?;
        let build_again = self.build(language, &project)?;
        let start = Instant::now();
        self.run(language, 1)?;
        let cold = start.elapsed().as_secs_f64() * 1e3;
        // The careful compilation behind the first start ends before what it makes is measured.
        self.wait_for_careful_code(language)?;
        let mut warm = Vec::new();
        let mut record = Vec::new();
        for _ in 0..runs {
            let start = Instant::now();
            self.run(language, 1)?;
            warm.push(start.elapsed().as_secs_f64() * 1e3);
            let rounds = self.run(language, ROUNDS)?;
            let counted = rounds.iter().skip(ROUNDS_UNCOUNTED);
            let times = Samples::new(counted.map(Round::ns_per_item).collect());
            record.push(times.context("no rounds")?.median());
        }
        Ok(Column {
            bytes: self.component_bytes(language)?,
            build_first,
            build_again,
            warm,
            cold,
            record,
            memory: [
                self.peak(language, ROUNDS_FEW)?,
                self.peak(language, ROUNDS_MANY)?,
            ],
        })
    }

    /// A project of its own, so that nothing of it is built yet, below the repository, whose
    /// settings for guests it needs.
    fn copy(&self, language: &str) -> Result<PathBuf> {
        let project = self.folder.path().join(name(language));
        let created = Command::new(self.ecli)
            .arg("init")
            .arg(&project)
            .args(["--lang", language, "--template", "counter"])
            .output()
            .context("run ecli init")?;
        let said = String::from_utf8_lossy(&created.stderr);
        ensure!(created.status.success(), "ecli init: {said}");
        std::fs::remove_dir_all(project.join("tests")).context("remove the tests")?;
        for (from, to) in [("flood.bpf.c", "flood.bpf.c"), source(language)] {
            let from = Path::new(PROJECT).join(from);
            let to = project.join(to);
            std::fs::copy(&from, &to)
                .with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
        }
        std::fs::remove_file(project.join("probe.bpf.c")).context("remove the template's BPF")?;
        Ok(project)
    }

    fn build(&self, language: &str, project: &Path) -> Result<f64> {
        let start = Instant::now();
        let output = self
            .command()
            .args(["build", "--quiet", "--tag", &name(language)])
            .arg(project)
            .output()
            .context("run ecli build")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "ecli build: {said}");
        Ok(start.elapsed().as_secs_f64())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.ecli);
        command
            .arg("--store")
            .arg(self.store())
            .env("ECLI_YES", "1")
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        command
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn run(&self, language: &str, rounds: u32) -> Result<Vec<Round>> {
        let output = self
            .command()
            .args(["run", &name(language), &rounds.to_string()])
            .output()
            .context("run ecli")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "ecli run: {said}");
        Round::parse_all(&String::from_utf8_lossy(&output.stdout))
    }

    fn peak(&self, language: &str, rounds: u32) -> Result<u64> {
        let mut command = self.command();
        command.args(["run", &name(language), &rounds.to_string()]);
        let log = self.folder.path().join("stderr");
        Ok(child::run_to_end(&mut command, &log)?.memory)
    }

    fn component_bytes(&self, language: &str) -> Result<usize> {
        let reference: Reference = name(language).parse()?;
        let image = Store::open(self.store())?.image(&reference, &Platform::host())?;
        Ok(image
            .component
            .context("there is no component")?
            .bytes
            .len())
    }

    /// A run that finds code that was compiled in a hurry compiles it with care, as long as it
    /// lasts: this one lasts until then.
    fn wait_for_careful_code(&self, language: &str) -> Result<()> {
        let cache = Store::open(self.store())?.cache_folder();
        let mut running = self
            .command()
            .args(["run", &name(language), &ROUNDS_ENDLESS.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .context("run ecli")?;
        let deadline = Instant::now() + CAREFUL_TIME_MAX;
        let outcome = loop {
            let mut entries = cache.read_dir().context("read the cache")?;
            let is_hurried = |entry: std::io::Result<std::fs::DirEntry>| {
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().contains("hurried"))
            };
            if !entries.any(is_hurried) {
                break Ok(());
            }
            if Instant::now() > deadline {
                break Err(anyhow!("its code was not compiled in {CAREFUL_TIME_MAX:?}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        // It has nothing to tidy up that the kernel does not.
        running
            .kill()
            .and_then(|()| running.wait())
            .context("end ecli")?;
        outcome
    }
}

fn name(language: &str) -> String {
    format!("flood-{language}")
}

/// The guest's source here, and where projects in its language have it.
fn source(language: &str) -> (&'static str, &'static str) {
    match language {
        "rust" => ("src/main.rs", "src/main.rs"),
        "c" => ("guest.c", "guest.c"),
        "cpp" => ("guest.cpp", "guest.cpp"),
        "zig" => ("guest.zig", "guest.zig"),
        "go" => ("main.go", "main.go"),
        "ts" => ("guest.ts", "guest.ts"),
        _ => ("guest.py", "guest.py"),
    }
}

/// Another time of the guest's source, and other bytes of it.
fn change(project: &Path, language: &str) -> Result<()> {
    let path = project.join(source(language).1);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    std::fs::write(&path, text + "\n").with_context(|| path.display().to_string())
}
