//! Any BPF object, by its own BTF: no description came with it.

use crate::error::Result;
use crate::facts::Facts;
use crate::options::{self, OptionSpec};
use crate::plan::{About, Plan, Source, SourceKind};
use crate::{places, sources, variables};

/// The plan for an object called `name`.
///
/// # Errors
/// When its types make no sense.
pub fn plan(name: &str, facts: &Facts) -> Result<Plan> {
    let mut warnings = Vec::new();
    let mut shown = sources::default(facts, &mut warnings)?;
    let is_entries = |source: &Source| matches!(source.kind, SourceKind::Entries { .. });
    let shows_all_maps = shown.iter().any(is_entries);
    shown.extend(iterators(facts));
    Ok(Plan {
        about: About {
            name: name.to_owned(),
            ..About::default()
        },
        options: with_host_options(facts, variables::options(facts)),
        sources: shown,
        shows_all_maps,
        warnings,
        ..Plan::default()
    })
}

/// Iterators print text.
pub(crate) fn iterators(facts: &Facts) -> impl Iterator<Item = Source> {
    let programs = facts.programs.iter();
    let programs = programs.filter(|it| it.section.starts_with("iter"));
    programs.map(|program| {
        let table = crate::rows::of_bytes(&program.name);
        sources::source(&program.name, table, SourceKind::Text)
    })
}

/// A tool's own options, then those of the host whose names are free.
pub(crate) fn with_host_options(facts: &Facts, own: Vec<OptionSpec>) -> Vec<OptionSpec> {
    let mut all = own;
    for option in places::options(facts)
        .into_iter()
        .chain(options::of_every_tool())
    {
        let taken = all
            .iter()
            .any(|it| it.is_called(&option.long.replace('_', "-")));
        if !taken {
            all.push(option);
        }
    }
    all
}
