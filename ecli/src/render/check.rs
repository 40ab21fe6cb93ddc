//! Whether the names that the operator gave are those of fields.

use super::Choice;
use super::metrics::{MetricRequest, ROWS};
use super::select::has;
use super::shape::Shape;
use crate::similar::similar;

/// Whether a table has fields, or structs, of all these names.
pub(super) fn has_all<'n>(shape: &Shape, names: impl IntoIterator<Item = &'n str>) -> bool {
    names.into_iter().all(|name| has(shape, name))
}

/// Checks each option against all tables of the tool: one of them must have all its fields.
pub(super) fn check(choice: &Choice, tables: &[(String, Shape)]) -> Result<(), String> {
    if let Some(fields) = &choice.fields {
        check_option("--fields", &fields.names().collect::<Vec<_>>(), tables, has)?;
    }
    for filter in &choice.filters {
        check_option("--filter", &filter.names(), tables, has)?;
    }
    if let Some(order) = &choice.order {
        let names: Vec<_> = order.names().collect();
        check_option("--sort", &names, tables, is_field)?;
    }
    choice
        .metrics
        .iter()
        .try_for_each(|request| check_metric(request, tables))
}

/// Whether a table has a field of this name, not only a struct.
fn is_field(shape: &Shape, name: &str) -> bool {
    shape.find(name).is_some()
}

/// `is_known`: what a name may be.
fn check_option(
    option: &str,
    names: &[&str],
    tables: &[(String, Shape)],
    is_known: fn(&Shape, &str) -> bool,
) -> Result<(), String> {
    let has_all = |(_, shape): &(String, Shape)| names.iter().all(|name| is_known(shape, name));
    if tables.iter().any(has_all) {
        return Ok(());
    }
    let is_unknown = |name: &&str| !tables.iter().any(|(_, shape)| is_known(shape, name));
    let Some(unknown) = names.iter().copied().find(is_unknown) else {
        return Err(format!(
            "{option}: no table has all of these fields: {}",
            names.join(", ")
        ));
    };
    Err(format!("{option}: {}", no_field(unknown, tables)))
}

fn no_field(unknown: &str, tables: &[(String, Shape)]) -> String {
    const LISTED_MAX: usize = 40;
    let fields = || tables.iter().flat_map(|(_, shape)| &shape.fields);
    let known = || fields().map(|field| field.path.as_str());
    if tables.iter().any(|(_, shape)| has(shape, unknown)) {
        let inside = format!("{unknown}.");
        let members = known().filter(|path| path.starts_with(&inside));
        let members: Vec<&str> = members.take(LISTED_MAX).collect();
        let members = members.join(", ");
        return format!("`{unknown}` is a struct, not a single field: it has {members}");
    }
    let close = similar(unknown, known());
    match close.as_slice() {
        [] => {
            let listed: Vec<&str> = known().take(LISTED_MAX).collect();
            format!("no field `{unknown}`; there are {}", listed.join(", "))
        }
        close => format!("no field `{unknown}`; close are {}", close.join(", ")),
    }
}

fn check_metric(request: &MetricRequest, tables: &[(String, Shape)]) -> Result<(), String> {
    let fits = |(name, shape): &(String, Shape)| request.fits(name, shape);
    if tables.iter().any(fits) {
        return Ok(());
    }
    if let Some(field) = tables.iter().find_map(|it| request.no_number(&it.0, &it.1)) {
        let option = request.option();
        return Err(format!("{option}: field `{field}` is no number"));
    }
    // The table in front of the target is no part of its name.
    let mut target = request.target();
    for (name, _) in tables {
        let rest = request.target().strip_prefix(name.as_str());
        target = rest
            .and_then(|rest| rest.strip_prefix('.'))
            .unwrap_or(target);
    }
    let mut names: Vec<&str> = request.labels().collect();
    if target != ROWS {
        names.insert(0, target);
    } else if request.is_of_rows(tables) {
        return Err(format!(
            "{}: `{target}` is the number of rows, which has no distribution: name a field",
            request.option()
        ));
    }
    check_option(request.option(), &names, tables, is_field)
}
