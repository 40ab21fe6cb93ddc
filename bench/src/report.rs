//! The table, for people and as JSON.

use std::fmt;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::samples::Samples;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) groups: Vec<Group>,
}

/// Cases that the same subjects were measured in.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    /// What is measured; ratios are to the first.
    pub(crate) subjects: Vec<String>,
    pub(crate) cases: Vec<Case>,
}

/// A line of the table: one cell for each subject, none where a subject cannot do it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) cells: Vec<Option<Samples>>,
}

impl Case {
    fn reference(&self) -> Option<f64> {
        let reference = self.cells.first()?.as_ref()?.median();
        (reference != 0.0).then_some(reference)
    }

    /// None for the first subject, and where there is nothing to compare.
    fn ratio(&self, subject: usize) -> Option<f64> {
        if subject == 0 {
            return None;
        }
        Some(self.cells.get(subject)?.as_ref()?.median() / self.reference()?)
    }

    fn text(&self, subject: usize) -> String {
        let Some(Some(samples)) = self.cells.get(subject) else {
            return "-".into();
        };
        let spread = if samples.min() == samples.max() {
            String::new()
        } else {
            format!(" ({}-{})", Number(samples.min()), Number(samples.max()))
        };
        let ratio = self
            .ratio(subject)
            .map(|ratio| format!(" {ratio:.2}x"))
            .unwrap_or_default();
        format!("{}{spread}{ratio}", Number(samples.median()))
    }
}

impl Report {
    pub(crate) fn to_json(&self) -> Result<String> {
        let groups: Vec<Value> = self.groups.iter().map(Group::to_json).collect();
        let report = json!({ "machine": self.machine.to_json(), "groups": groups });
        let text = serde_json::to_string_pretty(&report).context("print JSON")?;
        Ok(text + "\n")
    }
}

impl Group {
    fn to_json(&self) -> Value {
        let cases = self.cases.iter().map(|case| {
            let cells = self.subjects.iter().enumerate().map(|(index, subject)| {
                let samples = case.cells.get(index).and_then(Option::as_ref);
                json!({
                    "subject": subject,
                    "median": samples.map(Samples::median),
                    "samples": samples.map(Samples::all),
                    "ratio": case.ratio(index),
                })
            });
            json!({ "name": case.name, "cells": cells.collect::<Vec<_>>() })
        });
        json!({ "title": self.title, "unit": self.unit, "cases": cases.collect::<Vec<_>>() })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.machine)?;
        writeln!(
            f,
            "Medians, (smallest-largest) of interleaved runs, ratio to the first column."
        )?;
        for group in &self.groups {
            write!(f, "\n{group}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = [format!("{}, {}", self.title, self.unit)].into_iter();
        let mut lines = vec![
            head.chain(self.subjects.iter().cloned())
                .collect::<Vec<_>>(),
        ];
        for case in &self.cases {
            let name = [format!("  {}", case.name)].into_iter();
            lines.push(
                name.chain((0..self.subjects.len()).map(|s| case.text(s)))
                    .collect(),
            );
        }
        let widths: Vec<usize> = (0..=self.subjects.len())
            .map(|column| {
                lines
                    .iter()
                    .map(|line| line[column].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for line in &lines {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(&widths) {
                text.push_str(&format!("{cell:<width$}   "));
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// Three digits that count.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0.abs() {
            size if size >= 100.0 || size == 0.0 => 0,
            size if size >= 10.0 => 1,
            _ => 2,
        };
        write!(f, "{:.decimals$}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(cells: &[&[f64]]) -> Case {
        let cells = cells
            .iter()
            .map(|samples| Samples::new(samples.to_vec()))
            .collect();
        Case {
            name: "64 B".into(),
            cells,
        }
    }

    #[test]
    fn a_cell_has_median_spread_and_ratio_to_the_first() {
        let case = case(&[&[4.0, 5.0, 3.9], &[8.0], &[]]);
        assert_eq!(case.text(0), "4.00 (3.90-5.00)");
        assert_eq!(case.text(1), "8.00 2.00x");
        assert_eq!(case.text(2), "-");
    }

    #[test]
    fn there_is_no_ratio_to_nothing() {
        assert_eq!(case(&[&[], &[8.0]]).text(1), "8.00");
        assert_eq!(case(&[&[0.0], &[8.0]]).text(1), "8.00");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let group = Group {
            title: "Drain".into(),
            unit: "ns",
            subjects: vec!["C".into(), "guest".into()],
            cases: vec![case(&[&[400.0], &[1000.0]])],
        };
        assert_eq!(
            group.to_string(),
            "Drain, ns   C     guest\n  64 B      400   1000 2.50x\n"
        );
    }
}
