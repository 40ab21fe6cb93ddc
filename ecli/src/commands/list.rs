//! `ecli list`.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::Args;
use eunomia_image::ListEntry;
use serde::Serialize;

use super::print;
use crate::context::Context;
use crate::terminal::visible;
use crate::{size, table};

const AFTER_HELP: &str = "\
Examples:
  ecli list
  ecli list --json | jq -r '.[].name'";

/// List the images in the local store
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Print a JSON array
    #[arg(long, conflicts_with_all = ["quiet", "digests"])]
    json: bool,
    /// Show whole digests
    #[arg(long)]
    digests: bool,
    /// Print only the names
    #[arg(short, long)]
    quiet: bool,
}

/// One image as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    name: Option<&'a str>,
    digest: Option<String>,
    size: u64,
    created: Option<String>,
    platforms: Vec<String>,
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

/// Prints the list.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let entries = ctx.store()?.list()?;
    let text = if options.json {
        let listed: Vec<Listed<'_>> = entries.iter().map(listed).collect();
        serde_json::to_string_pretty(&listed)? + "\n"
    } else if options.quiet {
        entries
            .iter()
            .filter_map(|entry| entry.name.as_deref())
            .map(|name| visible(name) + "\n")
            .collect()
    } else {
        shown(&entries, options.digests, SystemTime::now())
    };
    print(text.as_bytes())
}

fn listed(entry: &ListEntry) -> Listed<'_> {
    Listed {
        name: entry.name.as_deref(),
        digest: entry.digest.map(|digest| digest.to_string()),
        size: entry.size,
        created: entry.created.map(|created| created.to_string()),
        platforms: entry.platforms.iter().map(ToString::to_string).collect(),
        description: entry.description.as_deref(),
        problem: entry.problem.as_deref(),
    }
}

/// Digits of a digest that tell images apart on one machine.
const SHORT_DIGEST: usize = 12;

fn shown(entries: &[ListEntry], whole_digests: bool, now: SystemTime) -> String {
    let mut rows = vec![["NAME", "DIGEST", "SIZE", "STORED", "DESCRIPTION"].map(str::to_owned)];
    for entry in entries {
        let digest = entry.digest.map_or_else(
            || "-".to_owned(),
            |digest| {
                if whole_digests {
                    return digest.to_string();
                }
                digest.hex().chars().take(SHORT_DIGEST).collect()
            },
        );
        let description = match (&entry.problem, &entry.description) {
            (Some(problem), _) => format!("damaged: {}", visible(problem)),
            (None, description) => visible(description.as_deref().unwrap_or_default()),
        };
        rows.push([
            visible(entry.name.as_deref().unwrap_or("<none>")),
            digest,
            size::shown(entry.size),
            entry
                .stored
                .map_or_else(|| "-".to_owned(), |stored| age(stored, now)),
            description,
        ]);
    }
    table::aligned(&rows)
}

/// How long ago something was, in one unit.
fn age(then: SystemTime, now: SystemTime) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let seconds = now.duration_since(then).unwrap_or(Duration::ZERO).as_secs();
    let (count, unit) = UNITS
        .iter()
        .map(|(length, unit)| (seconds / length, unit))
        .find(|(count, _)| *count > 0)
        .unwrap_or((0, &"second"));
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let ago = |seconds| age(now - Duration::from_secs(seconds), now);
        assert_eq!(ago(0), "0 seconds ago");
        assert_eq!(ago(61), "1 minute ago");
        assert_eq!(ago(7_200), "2 hours ago");
        assert_eq!(ago(500_000), "5 days ago");
        // A clock that was set back.
        assert_eq!(age(now + Duration::from_secs(9), now), "0 seconds ago");
    }
}
