//! Metrics as text: Prometheus' format 0.0.4, and OpenMetrics 1.0.

use std::fmt::Write as _;

use eunomia_runtime::output::Metric;

use super::registry::{Family, Registry, SEPARATOR, Series};

/// What a client can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Prometheus,
    OpenMetrics,
}

impl Dialect {
    /// The dialect that the header `Accept` asks for.
    pub(super) fn accepted(accept: &str) -> Self {
        match accept.contains("application/openmetrics-text") {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics.
pub(super) fn expose(registry: &Registry, dialect: Dialect) -> String {
    let mut page = Page {
        text: String::new(),
        dialect,
    };
    for family in &registry.families {
        page.family(family);
    }
    let lost = "Events that were lost before anybody saw them";
    page.single("ecli_lost_events_total", lost, registry.lost);
    page.head(
        "ecli_rows_total",
        "Rows that the tool emitted",
        Metric::Counter,
    );
    for (table, rows) in &registry.rows {
        let labels = [("table", table.as_str())];
        page.sample("ecli_rows_total", "", &labels, *rows as f64);
    }
    let overflow = "Observations that had no room for a series of their own";
    page.single("ecli_series_overflow_total", overflow, registry.overflow);
    page.head("ecli_build_info", "The version of ecli", Metric::Gauge);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.sample("ecli_build_info", "", &version, 1.0);
    if dialect == Dialect::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    text: String,
    dialect: Dialect,
}

impl Page {
    fn single(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, Metric::Counter);
        self.sample(name, "", &[], value as f64);
    }

    fn head(&mut self, name: &str, help: &str, metric: Metric) {
        let name = self.base(name, metric);
        let mut help = help.replace('\\', "\\\\").replace('\n', "\\n");
        if self.dialect == Dialect::OpenMetrics {
            help = help.replace('"', "\\\"");
        }
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.text, "# HELP {name} {help}");
        let _ = writeln!(self.text, "# TYPE {name} {}", metric.name());
    }

    /// The name of a metric, which OpenMetrics wants without the suffix of its samples.
    fn base<'n>(&self, name: &'n str, metric: Metric) -> &'n str {
        let is_counter = metric == Metric::Counter && self.dialect == Dialect::OpenMetrics;
        match name.strip_suffix("_total") {
            Some(base) if is_counter => base,
            _ => name,
        }
    }

    fn family(&mut self, family: &Family) {
        self.head(&family.name, &family.help, family.metric);
        let mut series: Vec<_> = family.series.iter().collect();
        series.sort_by_key(|(key, _)| *key);
        for (key, series) in series {
            let values: Vec<String> = key
                .split(|byte| *byte == SEPARATOR)
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .collect();
            let names = family.labels.iter().map(String::as_str);
            let labels: Vec<(&str, &str)> = names.zip(values.iter().map(String::as_str)).collect();
            match family.metric {
                Metric::Histogram => self.histogram(family, series, &labels),
                Metric::Counter if self.dialect == Dialect::OpenMetrics => {
                    let base = self.base(&family.name, family.metric).to_owned();
                    self.sample(&base, "_total", &labels, series.value);
                }
                _ => self.sample(&family.name, "", &labels, series.value),
            }
        }
    }

    fn histogram(&mut self, family: &Family, series: &Series, labels: &[(&str, &str)]) {
        let mut below = 0_u64;
        for (bound, count) in family.bounds.iter().zip(&series.buckets) {
            below = below.saturating_add(*count);
            let bound = bound.to_string();
            let labels = [labels, &[("le", bound.as_str())]].concat();
            self.sample(&family.name, "_bucket", &labels, below as f64);
        }
        let labels_all = [labels, &[("le", "+Inf")]].concat();
        self.sample(&family.name, "_bucket", &labels_all, series.count as f64);
        let is_strict = self.dialect == Dialect::OpenMetrics;
        // OpenMetrics has no sum where values may be negative, and no count without a sum.
        let has_sum = family.has_sum && !(is_strict && series.value < 0.0);
        if has_sum {
            self.sample(&family.name, "_sum", labels, series.value);
        }
        if has_sum || !is_strict {
            self.sample(&family.name, "_count", labels, series.count as f64);
        }
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let _ = write!(self.text, "{name}{suffix}");
        for (index, (label, value)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            let _ = write!(self.text, "{label}=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    character => self.text.push(character),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}
