//! A host program that runs an eBPF tool as a plugin: it loads an image from the local store, takes
//! the tool's rows as values through a channel, and stops it.
//!
//!     embed [IMAGE [ROWS]]
//!
//! IMAGE is `syscount` unless given, ROWS 20. Needs root, as loading BPF programs does.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use eunomia_image::{Platform, Reference, Store, default_store_root};
use eunomia_runtime::rows::{Event, channel};
use eunomia_runtime::{Outcome, Runtime, Sandbox, Settings, Tool};

/// Events that the tool may be ahead of us; beyond that it waits.
const CHANNEL_EVENTS: usize = 1024;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let reference: Reference = args.next().as_deref().unwrap_or("syscount").parse()?;
    let rows_max: usize = args
        .next()
        .as_deref()
        .unwrap_or("20")
        .parse()
        .context("read ROWS")?;

    let root =
        std::env::var_os("ECLI_STORE").map_or_else(default_store_root, |root| Ok(root.into()))?;
    let store = Store::open(root)?;
    let image = store.image(&reference, &Platform::host())?;
    let component = image
        .component
        .context("run the image: it has no component")?;
    let tool = Tool {
        name: image.metadata.name.clone(),
        objects: image
            .objects
            .into_iter()
            .map(|object| (object.name, object.bytes.into()))
            .collect(),
        component: component.bytes.into(),
    };

    let runtime = Runtime::builder()
        .cache_dir(Some(store.cache_folder()))
        .build()?;
    let (sender, receiver) = channel(CHANNEL_EVENTS);
    let settings = Settings {
        args: vec!["--interval".into(), "1".into()],
        rows: Box::new(sender),
        // Less than the default: we know what this tool needs.
        sandbox: Sandbox {
            memory_bytes_max: 16 << 20,
            stop_grace: Duration::from_secs(1),
            ..Sandbox::default()
        },
        ..Settings::default()
    };
    let running = runtime.open(tool)?.load()?.run(settings)?;

    // The channel ends when the tool does.
    let mut rows = 0;
    for event in &receiver {
        match event {
            Event::Row(row) => {
                println!("{} {}", row.table().name, row.to_json()?);
                rows += 1;
                if rows == rows_max {
                    break;
                }
            }
            Event::Lost(count) => eprintln!("{count} events were lost"),
            _ => {}
        }
    }

    running.control().stop();
    // Rows of its summary, which we do not want: without a receiver the tool need not wait.
    drop(receiver);
    match running.wait().outcome {
        Outcome::Exited(0) | Outcome::OutputClosed => Ok(()),
        Outcome::Exited(code) => bail!("the tool left with code {code}"),
        Outcome::Failed(error) => Err(error).context("run the tool"),
        outcome => bail!("the tool ended: {outcome:?}"),
    }
}
