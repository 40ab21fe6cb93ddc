//! The benchmark's guest, in the sandbox.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use eunomia_image::{Platform, Reference, Store};
use eunomia_runtime::console::Console;
use eunomia_runtime::{Loaded, Outcome, Runtime, Settings, Stdio, Tool};

/// One round of what a guest or a native program measured of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    nanoseconds: f64,
    items: u64,
    sum: u64,
}

impl Round {
    pub(crate) fn ns_per_item(&self) -> f64 {
        self.nanoseconds / self.items as f64
    }

    /// How much was read and what; equal rounds did the same.
    pub(crate) fn content(&self) -> (u64, u64) {
        (self.items, self.sum)
    }

    /// Reads the lines that guest and native programs print.
    pub(crate) fn parse_all(text: &str) -> Result<Vec<Self>> {
        text.lines()
            .map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let [nanoseconds, items, sum] = words[..] else {
                    bail!("read `{line}`: it is not three numbers");
                };
                Ok(Self {
                    nanoseconds: nanoseconds.parse()?,
                    items: items.parse()?,
                    sum: sum.parse()?,
                })
            })
            .collect()
    }
}

/// The guest, compiled, and ready to run.
#[derive(Debug)]
pub(crate) struct Sandbox {
    guest: Loaded,
    object: Vec<u8>,
}

impl Sandbox {
    /// Take the image `bench` from the store.
    pub(crate) fn open(store: &Path) -> Result<Self> {
        let store = Store::open(store)?;
        let reference: Reference = "bench".parse()?;
        let image = store.image(&reference, &Platform::host())?;
        let component = image.component.context("the image has no component")?;
        let object = image
            .objects
            .first()
            .context("the image has no BPF object")?
            .bytes
            .clone();
        let tool = Tool {
            name: image.metadata.name.clone(),
            objects: image
                .objects
                .into_iter()
                .map(|o| (o.name, o.bytes.into()))
                .collect(),
            component: component.bytes.into(),
        };
        let runtime = Runtime::builder()
            .cache_dir(Some(store.cache_folder()))
            .build()?;
        let guest = runtime.open(tool)?.load()?;
        Ok(Self {
            guest,
            object: object.to_vec(),
        })
    }

    /// The ELF file that native programs load, too.
    pub(crate) fn object(&self) -> &[u8] {
        &self.object
    }

    /// Run it to its end, and return what it measured.
    pub(crate) fn run(&self, arguments: &[String]) -> Result<Vec<Round>> {
        let output = Output::default();
        let settings = Settings {
            args: arguments.to_vec(),
            stdio: Stdio::Console(Console::new(Box::new(output.clone()), false)),
            ..Settings::default()
        };
        let what = || format!("run the guest: {}", arguments.join(" "));
        match self.guest.run(settings)?.wait().outcome {
            Outcome::Exited(0) => Round::parse_all(&output.take()).with_context(what),
            outcome => bail!("{}: {outcome:?}", what()),
        }
    }
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn take(&self) -> String {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&std::mem::take(&mut *bytes)).into_owned()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
