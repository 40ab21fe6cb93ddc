//! Whether the names that the operator gave are those of fields.

use super::Choice;
use super::metrics::MetricRequest;
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
        check_option("--fields", &fields.names().collect::<Vec<_>>(), tables)?;
    }
    for filter in &choice.filters {
        check_option("--filter", &filter.names(), tables)?;
    }
    if let Some(order) = &choice.order {
        check_option("--sort", &order.names().collect::<Vec<_>>(), tables)?;
    }
    choice
        .metrics
        .iter()
        .try_for_each(|request| check_metric(request, tables))
}

fn check_option(option: &str, names: &[&str], tables: &[(String, Shape)]) -> Result<(), String> {
    if tables
        .iter()
        .any(|(_, shape)| has_all(shape, names.iter().copied()))
    {
        return Ok(());
    }
    let is_unknown = |name: &&str| !tables.iter().any(|(_, shape)| has(shape, name));
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
    let mut names = vec![request.target()];
    names.extend(request.labels());
    // The table in front of the target is no part of its name.
    for (name, _) in tables {
        let rest = request.target().strip_prefix(name.as_str());
        if let Some(rest) = rest.and_then(|rest| rest.strip_prefix('.')) {
            names[0] = rest;
        }
    }
    check_option(request.option(), &names, tables)
}
