//! Pulls or pushes one image, printing what happens: the registry client in one screen.
//!
//! ```text
//! cargo run --release -p eunomia-image --example transfer -- pull STORE REFERENCE
//! cargo run --release -p eunomia-image --example transfer -- push STORE REFERENCE [TARGET]
//! ```

use std::error::Error;
use std::sync::Arc;

use eunomia_image::registry::{Platforms, Progress, Registry, RegistryOptions};
use eunomia_image::{Platform, Reference, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (verb, store, source, target) = match arguments.as_slice() {
        [verb, store, source] => (*verb, *store, *source, *source),
        [verb, store, source, target] => (*verb, *store, *source, *target),
        _ => return Err("usage: transfer pull|push STORE REFERENCE [TARGET]".into()),
    };
    let store = Store::open(store)?;
    let (source, target): (Reference, Reference) = (source.parse()?, target.parse()?);
    let mut options = RegistryOptions::default();
    options.progress = Arc::new(|progress| match progress {
        Progress::Advanced { .. } => {}
        other => eprintln!("{other:?}"),
    });
    let registry = Registry::new(options)?;
    match verb {
        "pull" => {
            let pulled = registry.pull(&store, &source, &Platforms::Only(Platform::host()))?;
            println!(
                "{} ({} bytes downloaded)",
                pulled.descriptor.digest, pulled.downloaded
            );
        }
        "push" => {
            let pushed = registry.push(&store, &source, &target)?;
            println!(
                "{} ({} bytes uploaded)",
                pushed.descriptor.digest, pushed.uploaded
            );
        }
        other => return Err(format!("unknown verb {other:?}: pull or push").into()),
    }
    Ok(())
}
