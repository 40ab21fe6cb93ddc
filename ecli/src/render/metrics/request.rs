//! What the operator asks for: `--metrics ADDRESS`, `--counter FIELD,LABEL`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use eunomia_runtime::output::Metric;

use super::super::shape::Shape;

/// What a request calls the number of rows.
pub(in crate::render) const ROWS: &str = "rows";

/// Where metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) SocketAddr);

/// A metric that an option declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricRequest {
    pub(super) metric: Metric,
    /// A field, perhaps with its table in front.
    pub(super) target: String,
    pub(super) labels: Vec<String>,
}

impl FromStr for Address {
    type Err = anyhow::Error;

    /// `9091`, `:9091`, `127.0.0.1:9091`, `[::1]:9091`.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let port = text.strip_prefix(':').unwrap_or(text);
        if let Ok(port) = port.parse() {
            return Ok(Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)));
        }
        let address = text.parse().map_err(|_| {
            anyhow::anyhow!("`{text}` is no address: write 9091, 127.0.0.1:9091 or [::1]:9091")
        })?;
        Ok(Self(address))
    }
}

impl MetricRequest {
    /// The option that it came from.
    pub(in crate::render) fn option(&self) -> &'static str {
        match self.metric {
            Metric::Gauge => "--gauge",
            Metric::Histogram => "--hist",
            _ => "--counter",
        }
    }

    pub(in crate::render) fn target(&self) -> &str {
        &self.target
    }

    pub(in crate::render) fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(String::as_str)
    }

    /// Whether a table has what is asked for.
    pub(in crate::render) fn fits(&self, table: &str, shape: &Shape) -> bool {
        self.target_in(table, shape)
            .is_some_and(|target| target.is_some() || self.metric != Metric::Histogram)
            && self.no_number(table, shape).is_none()
            && self.labels().all(|label| shape.find(label).is_some())
    }

    /// Whether the rows of a table are what is asked for, and not a field of that name.
    pub(in crate::render) fn is_of_rows(&self, tables: &[(String, Shape)]) -> bool {
        let target = |(name, shape): &(String, Shape)| self.target_in(name, shape);
        self.metric == Metric::Histogram && tables.iter().filter_map(target).any(|it| it.is_none())
    }

    /// The field that is asked for, if it is none that can be counted.
    pub(in crate::render) fn no_number<'s>(
        &self,
        table: &str,
        shape: &'s Shape,
    ) -> Option<&'s str> {
        let field = &shape.fields[self.target_in(table, shape)??];
        (!field.kind.class.is_number()).then_some(&*field.path)
    }

    /// The field of a table that is asked for; inner `None`: the rows themselves.
    pub(super) fn target_in(&self, table: &str, shape: &Shape) -> Option<Option<usize>> {
        if let Some(field) = shape.find(&self.target) {
            return Some(Some(field));
        }
        let behind_table = self.target.strip_prefix(table);
        let rest = behind_table.and_then(|rest| rest.strip_prefix('.'));
        match rest.unwrap_or(&self.target) {
            ROWS => Some(None),
            name => shape.find(name).map(Some),
        }
    }

    /// Reads `FIELD[,LABEL...]`.
    pub(crate) fn parse(metric: Metric, text: &str) -> anyhow::Result<Self> {
        let mut words = text.split(',').map(|word| word.trim().to_owned());
        let target = words.next().unwrap_or_default();
        let labels: Vec<String> = words.collect();
        anyhow::ensure!(
            !target.is_empty() && labels.iter().all(|label| !label.is_empty()),
            "`{text}` has an empty name: write FIELD or FIELD,LABEL"
        );
        let is_twice = |(index, label)| labels[..index].contains(label);
        if let Some((_, label)) = labels.iter().enumerate().find(|it| is_twice(*it)) {
            anyhow::bail!("`{text}` has the label `{label}` twice");
        }
        Ok(Self {
            metric,
            target,
            labels,
        })
    }
}
