//! What `--help` prints.

use std::fmt::Write as _;

use super::OptionSpec;
use crate::plan::Plan;

/// Columns that an option with its value may take before its text goes to the next line.
const OPTION_COLUMNS: usize = 30;

/// The text of `--help`.
pub fn help(plan: &Plan) -> String {
    let about = &plan.about;
    let mut text = String::new();
    for part in [&about.brief, &about.details] {
        if !part.trim().is_empty() {
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(text, "{}\n", part.trim());
        }
    }
    let _ = writeln!(text, "Usage: ecli run {} [OPTIONS]", about.name);
    let own: Vec<_> = plan.options.iter().filter(|it| it.is_own()).collect();
    let host: Vec<_> = plan.options.iter().filter(|it| !it.is_own()).collect();
    for (title, options) in [("Options", own), ("Options of ecli", host)] {
        if options.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{title}:");
        for option in options {
            write_option(&mut text, option);
        }
    }
    let _ = writeln!(text, "  {:<OPTION_COLUMNS$}Print help", "-h, --help");
    let _ = writeln!(text, "  {:<OPTION_COLUMNS$}Print version", "-V, --version");
    text
}

fn write_option(text: &mut String, option: &OptionSpec) {
    let short = option
        .short
        .map_or_else(|| "    ".to_owned(), |it| format!("-{it}, "));
    let value = option
        .value
        .as_ref()
        .map_or_else(String::new, |it| format!(" <{it}>"));
    let left = format!("{short}--{}{value}", option.long);
    let mut right = option.help.trim().replace('\n', " ");
    if let Some(default) = &option.default {
        let space = if right.is_empty() { "" } else { " " };
        right.push_str(&format!("{space}[default: {default}]"));
    }
    if option.required {
        right.push_str(" (required)");
    }
    if left.chars().count() < OPTION_COLUMNS {
        let _ = writeln!(text, "  {left:<OPTION_COLUMNS$}{right}");
    } else {
        let _ = writeln!(text, "  {left}\n  {:OPTION_COLUMNS$}{right}", "");
    }
}
