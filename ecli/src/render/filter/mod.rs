//! Filters of rows: `--filter 'pid == 1 and comm ~ "^ba"'`. docs/output.md has the grammar.
//!
//! A filter is parsed when the command line is read, and compiled for each table, where the names
//! and types of its fields are known.

mod compile;
mod literal;
mod parse;
mod token;

use anyhow::Result;

use super::names::Names;
use super::shape::Shape;

pub(super) use compile::Predicate;
use parse::Expression;

/// A filter, for any table.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    text: String,
    expression: Expression,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// Says where in the text, and what was expected.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(Self {
            text: text.to_owned(),
            expression: parse::parse(text)?,
        })
    }

    /// The names of its fields.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.expression.collect_names(&mut names);
        names
    }

    /// The filter for a table that has all its fields.
    ///
    /// # Errors
    /// When a value is not one that its field could have.
    pub(super) fn compile(&self, shape: &Shape, names: &mut Names) -> Result<Predicate, String> {
        Predicate::of(&self.expression, shape, names)
            .map_err(|reason| format!("--filter `{}`: {reason}", self.text))
    }
}

#[cfg(test)]
mod tests;
