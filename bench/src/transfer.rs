//! Images to and from a registry on this machine: ecli, skopeo, and Python's oras.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use eunomia_image::{ImageBuilder, Metadata, Reference, Store, World};
use noise::noise;
use registry::RegistryServer;
use tempfile::TempDir;

use crate::child::{self, Finished};
use crate::report::{Case, Group};
use crate::samples::Samples;

#[path = "../../image/tests/support/noise.rs"]
mod noise;
#[path = "../../image/tests/support/registry.rs"]
#[allow(dead_code, reason = "tests use the rest of it")]
mod registry;

/// Bytes of the component of each image, and how they are called. The small one is as large as a
/// guest in Rust or C.
const SIZES: [(&str, usize); 2] = [("100 kB", 100_000), ("200 MB", 200_000_000)];

/// What is compared with goes first.
const CLIENTS: [Client; 3] = [Client::Skopeo, Client::Ecli, Client::Oras];

#[derive(Clone, Copy, Debug)]
enum Client {
    Skopeo,
    Ecli,
    Oras,
}

/// The programs that are measured.
#[derive(Debug)]
pub(crate) struct Programs<'p> {
    pub(crate) ecli: &'p Path,
    /// A Python that has the package `oras`.
    pub(crate) python: &'p Path,
}

pub(crate) fn measure(programs: &Programs, rounds: usize) -> Result<Vec<Group>> {
    let mut cases = Vec::new();
    for (size, bytes) in SIZES {
        let bench = Bench::new(programs, bytes)?;
        // Once for nothing: all files are in memory then.
        for client in CLIENTS {
            bench.push_and_pull(client)?;
        }
        let mut runs = [const { Vec::new() }; CLIENTS.len()];
        for _ in 0..rounds {
            for (client, runs) in CLIENTS.into_iter().zip(&mut runs) {
                runs.push(bench.push_and_pull(client)?);
            }
        }
        cases.push((
            format!("push {size}"),
            runs.clone().map(|runs| of(&runs, 0)),
        ));
        cases.push((format!("pull {size}"), runs.map(|runs| of(&runs, 1))));
    }
    let group = |title: &str, unit, value: fn(&Finished) -> f64| Group {
        title: title.into(),
        unit,
        subjects: ["skopeo", "ecli", "oras, Python"].map(str::to_owned).into(),
        cases: cases
            .iter()
            .map(|(name, runs)| Case {
                name: name.clone(),
                cells: runs
                    .iter()
                    .map(|runs| Samples::new(runs.iter().map(value).collect()))
                    .collect(),
            })
            .collect(),
    };
    Ok(vec![
        group("An image to and from a registry", "ms", |run| {
            run.wall.as_secs_f64() * 1e3
        }),
        group("CPU time of that", "ms", |run| run.cpu.as_secs_f64() * 1e3),
        group("Peak memory of that", "MiB", |run| {
            run.memory as f64 / f64::from(1 << 20)
        }),
    ])
}

fn of(runs: &[[Finished; 2]], which: usize) -> Vec<Finished> {
    runs.iter().map(|run| run[which]).collect()
}

/// One image, in a store from which all clients push.
struct Bench<'p> {
    programs: &'p Programs<'p>,
    folder: TempDir,
}

impl<'p> Bench<'p> {
    fn new(programs: &'p Programs<'p>, bytes: usize) -> Result<Self> {
        let folder = tempfile::tempdir().context("create a temporary folder")?;
        let metadata = Metadata::new("bench", World::Command);
        let image = ImageBuilder::new(metadata)
            .component(noise(bytes, 1))
            .build()?;
        let store = Store::open(folder.path().join("source"))?;
        store.write_image(&"bench:1".parse::<Reference>()?, &image)?;
        // What oras pushes: files.
        std::fs::write(folder.path().join("component.wasm"), noise(bytes, 1))
            .context("write a component")?;
        Ok(Self { programs, folder })
    }

    /// With a registry and a place of its own each time: clients remember what was where.
    fn push_and_pull(&self, client: Client) -> Result<[Finished; 2]> {
        let server = RegistryServer::start();
        let name = format!("{}:1", server.name("bench"));
        let place = tempfile::tempdir_in(self.folder.path()).context("create a folder")?;
        let commands = match client {
            Client::Skopeo => self.skopeo(&name, place.path()),
            Client::Ecli => self.ecli(&name, place.path()),
            Client::Oras => self.oras(&name, place.path()),
        };
        let mut finished = Vec::new();
        for mut command in commands {
            // What others have written is not to be waited for by this one.
            rustix::fs::sync();
            let stderr = self.folder.path().join("stderr");
            finished.push(child::run_to_end(&mut command, &stderr)?);
        }
        Ok([finished[0], finished[1]])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ecli(&self, name: &str, place: &Path) -> [Command; 2] {
        let command = |store: &Path, arguments: &[&str]| {
            let mut command = Command::new(self.programs.ecli);
            command.arg("--store").arg(store).args(arguments);
            command
        };
        [
            command(&self.path("source"), &["push", "--quiet", "bench:1", name]),
            command(&place.join("store"), &["pull", "--quiet", name]),
        ]
    }

    fn skopeo(&self, name: &str, place: &Path) -> [Command; 2] {
        let command = |verify: &str, source: String, target: String| {
            let mut command = Command::new("skopeo");
            command.args(["copy", "--quiet", verify, &source, &target]);
            command
        };
        let from = format!("oci:{}:bench:1", self.path("source").display());
        let to = format!("oci:{}:bench:1", place.display());
        let remote = format!("docker://{name}");
        [
            command("--dest-tls-verify=false", from, remote.clone()),
            command("--src-tls-verify=false", remote, to),
        ]
    }

    fn oras(&self, name: &str, place: &Path) -> [Command; 2] {
        let command = |call: String| {
            let mut command = Command::new(self.programs.python);
            let client = "import oras.client; client = oras.client.OrasClient(insecure=True)";
            command.arg("-c").arg(format!("{client}; {call}"));
            command
        };
        let file = self.path("component.wasm");
        [
            command(format!(
                "client.push(target={name:?}, files=['{}:application/wasm'], \
                 disable_path_validation=True)",
                file.display()
            )),
            command(format!(
                "client.pull(target={name:?}, outdir='{}')",
                place.display()
            )),
        ]
    }
}

/// For the registry's configuration.
fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}
