//! `ecli inspect`.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use clap::Args;
use eunomia_image::registry::Platforms;
use eunomia_image::{Annotations, Digest, Image, Metadata, Permissions, Platform, Store};
use eunomia_runtime::Runtime;
use serde::Serialize;

use super::print;
use crate::context::Context;
use crate::inspection::{ComponentFacts, GlobalFacts, Inspection, MapFacts, ObjectFacts};
use crate::needs::Needs;
use crate::terminal::visible;
use crate::tool_source::{self, Found, FoundImage, Provenance};
use crate::transfer::{Access, Reporting, full, with_registry};
use crate::{permissions, size, table};

const AFTER_HELP: &str = "\
Nothing is loaded or run. What an image says about itself stands at the top; programs, maps,
globals, imports, exports, permissions and what it needs of a kernel are read from its contents.

Examples:
  ecli inspect execsnoop
  ecli inspect --json execsnoop | jq '.objects[].programs'
  ecli inspect --remote registry.example/tools/execsnoop    Without putting it into the store
  ecli inspect ./tool.wasm";

/// Show what is in an image
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Image, folder of a project, OCI layout or component
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Look at what the registry has of that name; the store stays as it is
    #[arg(long)]
    remote: bool,
    #[command(flatten)]
    access: Access,
}

/// All that is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    name: String,
    digest: Option<Digest>,
    size: u64,
    platform: Option<String>,
    metadata: Metadata,
    annotations: Annotations,
    layers: Vec<Layer>,
    kernel_types: Vec<KernelTypes>,
    #[serde(flatten)]
    inspection: Inspection,
    /// Not what the image states, which is in the metadata.
    computed_permissions: Permissions,
    kernel_needs: Needs,
    #[serde(skip)]
    powers: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    title: String,
    media_type: String,
    size: u64,
    digest: Digest,
}

/// Types of kernels that do not show their own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KernelTypes {
    releases: Vec<String>,
    size: u64,
    digest: Digest,
}

/// Prints what is in the image.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let found = match options.remote {
        true => remote(ctx, &options)?,
        false => tool_source::find(ctx, &options.image, &[])?,
    };
    let mut report = described(&found.shown, &found.image, found.metadata());
    let runtime = Runtime::builder().build()?;
    let tool = found.into_parts();
    let computed = eunomia_runtime::Permissions::of(&tool)?;
    report.computed_permissions = permissions::to_image(&computed);
    report.powers = permissions::described(&computed);
    report.inspection = Inspection::of(&runtime, tool)?;
    report.kernel_needs = Needs::of(&report.inspection.objects, &computed);
    let text = match options.json {
        true => serde_json::to_string_pretty(&report)? + "\n",
        false => human(&report),
    };
    print(text.as_bytes())
}

/// Fetches the image into a store that goes away again.
fn remote(ctx: &Context, options: &Options) -> Result<Found> {
    let name = full(ctx, &options.image.parse()?)?;
    let folder = tempfile::tempdir().context("create a temporary folder")?;
    let store = Store::open(folder.path().join("store"))?;
    let access = options.access.to([name.registry()]);
    let reporting = Reporting {
        json: options.json,
        quiet: false,
    };
    let platform = Platform::host();
    with_registry(ctx, &access, &reporting, |registry| {
        registry.pull(&store, &name, &Platforms::Only(platform.clone()))
    })?;
    let image = store.image(&name, &platform)?;
    Ok(Found {
        shown: name.to_string(),
        image: FoundImage::Image(Box::new(image)),
        provenance: Provenance::Store(name),
    })
}

/// What the image says about itself.
fn described(shown: &str, image: &FoundImage, metadata: &Metadata) -> Report {
    let mut report = Report {
        name: shown.to_owned(),
        digest: None,
        size: 0,
        platform: None,
        metadata: metadata.clone(),
        annotations: Annotations::new(),
        layers: Vec::new(),
        kernel_types: Vec::new(),
        inspection: Inspection {
            objects: Vec::new(),
            component: None,
        },
        computed_permissions: Permissions::default(),
        kernel_needs: Needs::default(),
        powers: Vec::new(),
        warnings: Vec::new(),
    };
    match image {
        FoundImage::Image(image) => describe_image(&mut report, image),
        FoundImage::Package { package, .. } => report.size = package.elf.len() as u64,
        FoundImage::Files {
            objects, component, ..
        } => {
            let objects = objects.iter().map(|(_, bytes)| bytes.len());
            report.size = objects
                .chain([component.len()])
                .map(|bytes| bytes as u64)
                .sum();
        }
    }
    report
}

fn describe_image(report: &mut Report, image: &Image) {
    report.digest = Some(image.digest);
    report.size = image.size;
    report.platform = image.platform.as_ref().map(ToString::to_string);
    report.annotations = image.annotations.clone();
    report.warnings = image.warnings.iter().map(ToString::to_string).collect();
    report.layers = image
        .layers
        .iter()
        .map(|layer| Layer {
            title: layer.title().unwrap_or_default().to_owned(),
            media_type: layer.media_type.clone(),
            size: layer.size,
            digest: layer.digest,
        })
        .collect();
    let types = image.kernel_types.iter();
    report.kernel_types = types
        .map(|types| KernelTypes {
            releases: types.releases.clone(),
            size: types.bytes.len() as u64,
            digest: types.digest,
        })
        .collect();
}

fn human(report: &Report) -> String {
    let mut text = String::new();
    write_head(&mut text, report);
    for object in &report.inspection.objects {
        write_object(&mut text, object);
    }
    if let Some(component) = &report.inspection.component {
        write_component(&mut text, component);
    }
    if !report.inspection.objects.is_empty() {
        line(&mut text, format_args!("\nkernel needs"));
        for (what, names) in report.kernel_needs.described() {
            line(&mut text, format_args!("  {what:<12} {}", visible(&names)));
        }
    }
    if !report.kernel_types.is_empty() {
        line(
            &mut text,
            format_args!("\ntypes of kernels that do not show their own"),
        );
        for types in &report.kernel_types {
            let releases = visible(&types.releases.join(", "));
            line(
                &mut text,
                format_args!("  {:<12} {releases}", size::shown(types.size)),
            );
        }
    }
    if !report.powers.is_empty() {
        line(&mut text, format_args!("\npermissions"));
        for power in &report.powers {
            line(&mut text, format_args!("  {power}"));
        }
    }
    let layers: Vec<[String; 3]> = report
        .layers
        .iter()
        .map(|layer| {
            [
                visible(&layer.title),
                size::shown(layer.size),
                layer.digest.to_string(),
            ]
        })
        .collect();
    write_table(&mut text, "layers", ["TITLE", "SIZE", "DIGEST"], layers);
    for warning in &report.warnings {
        line(&mut text, format_args!("\nwarning: {}", visible(warning)));
    }
    text
}

fn write_head(text: &mut String, report: &Report) {
    let metadata = &report.metadata;
    let license = report.annotations.get(eunomia_image::annotation::LICENSES);
    let kernel = metadata
        .kernel
        .as_ref()
        .and_then(|kernel| kernel.release_min.as_deref());
    let facts = [
        ("description", metadata.description.clone()),
        ("version", metadata.version.clone().unwrap_or_default()),
        ("license", license.cloned().unwrap_or_default()),
        ("world", metadata.world.to_string()),
        ("platform", report.platform.clone().unwrap_or_default()),
        (
            "kernel",
            kernel
                .map(|release| format!("{release} or newer"))
                .unwrap_or_default(),
        ),
        ("arguments", metadata.arguments.join(" ")),
        ("size", size::shown(report.size)),
        (
            "digest",
            report
                .digest
                .map(|digest| digest.to_string())
                .unwrap_or_default(),
        ),
    ];
    line(text, format_args!("{}", visible(&report.name)));
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        line(text, format_args!("  {name:<12} {}", visible(value)));
    }
}

fn write_object(text: &mut String, object: &ObjectFacts) {
    line(text, format_args!("\nBPF object {}", visible(&object.name)));
    let programs = object
        .programs
        .iter()
        .map(|program| {
            [&program.name, &program.type_name, &program.section].map(|cell| visible(cell))
        })
        .collect();
    write_table(text, "programs", ["NAME", "TYPE", "SECTION"], programs);
    let maps = object.maps.iter().map(map_row).collect();
    write_table(
        text,
        "maps",
        ["NAME", "TYPE", "KEY", "VALUE", "MAX ENTRIES"],
        maps,
    );
    let globals = object.globals.iter().map(global_row).collect();
    write_table(
        text,
        "globals (set with --global)",
        ["NAME", "TYPE", "VALUE"],
        globals,
    );
}

fn map_row(map: &MapFacts) -> [String; 5] {
    let or_dash = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), visible);
    [
        visible(&map.name),
        visible(&map.type_name),
        or_dash(&map.key),
        or_dash(&map.value),
        map.max_entries.to_string(),
    ]
}

fn global_row(global: &GlobalFacts) -> [String; 3] {
    let value = match &global.value {
        Some(value) => value.to_string(),
        None => "-".to_owned(),
    };
    let constant = if global.constant { "const " } else { "" };
    let type_name = format!("{constant}{}", global.type_name);
    [
        visible(&global.name),
        visible(&type_name),
        shortened(&visible(&value)),
    ]
}

/// The value of a large variable: what it begins with.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    if text.chars().count() <= CHARACTERS_MAX {
        return text.to_owned();
    }
    text.chars().take(CHARACTERS_MAX - 1).chain(['…']).collect()
}

fn write_component(text: &mut String, component: &ComponentFacts) {
    line(
        text,
        format_args!("\ncomponent (world {})", component.world),
    );
    for (title, names) in [
        ("imports", &component.imports),
        ("exports", &component.exports),
    ] {
        line(text, format_args!("  {title}"));
        for name in names {
            line(text, format_args!("    {}", visible(name)));
        }
    }
}

fn write_table<const N: usize>(
    text: &mut String,
    title: &str,
    header: [&str; N],
    rows: Vec<[String; N]>,
) {
    if rows.is_empty() {
        return;
    }
    line(text, format_args!("  {title}"));
    let rows: Vec<[String; N]> = std::iter::once(header.map(str::to_owned))
        .chain(rows)
        .collect();
    for row in table::aligned(&rows).lines() {
        line(text, format_args!("    {row}"));
    }
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{content}");
}
