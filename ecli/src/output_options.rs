//! How the rows of a tool are shown: options of `ecli run`, for all kinds of images.

use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use eunomia_runtime::output::Metric;

use crate::context::Context;
use crate::duration;
use crate::render::{Address, Choice, Filter, Format, MetricRequest, Order, Selection};

/// Options on rows; docs/output.md says more.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rows")]
pub(crate) struct OutputOptions {
    /// How rows are shown: columns (the default), json, jsonpretty, yaml, csv or none
    #[arg(short, long, value_name = "FORMAT", env = "ECLI_OUTPUT")]
    #[arg(hide_env_values = true, hide_possible_values = true)]
    output: Option<Format>,
    /// Show these fields in this order, or with `-` in front all but these
    #[arg(long, value_name = "FIELD,...", value_parser = Selection::parse)]
    #[arg(allow_hyphen_values = true)]
    fields: Option<Selection>,
    /// Show only rows for which this holds: 'pid == 1 and comm ~ "^ba"'; may be repeated
    #[arg(long, value_name = "EXPRESSION", value_parser = Filter::parse)]
    filter: Vec<Filter>,
    /// Sort the rows of an interval by these fields; `-` in front: the largest first
    #[arg(long, value_name = "FIELD,...", value_parser = Order::parse)]
    #[arg(allow_hyphen_values = true)]
    sort: Option<Order>,
    /// Show at most N rows of an interval
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Stop after N rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Show the rows of such a time together: 1s, 500ms
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    interval: Option<Duration>,
    /// Serve metrics for Prometheus at this address: 9091, 127.0.0.1:9091
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<Address>,
    /// A metric that adds up FIELD (or counts `rows`) by labels; may be repeated
    #[arg(long, value_name = "FIELD[,LABEL...]", value_parser = counter, requires = "metrics")]
    counter: Vec<MetricRequest>,
    /// A metric with the last value of FIELD by labels; may be repeated
    #[arg(long, value_name = "FIELD[,LABEL...]", value_parser = gauge, requires = "metrics")]
    gauge: Vec<MetricRequest>,
    /// A metric with the distribution of FIELD by labels; may be repeated
    #[arg(long, value_name = "FIELD[,LABEL...]", value_parser = histogram, requires = "metrics")]
    hist: Vec<MetricRequest>,
}

impl OutputOptions {
    /// How rows are shown, by the options or else the configuration.
    ///
    /// # Errors
    /// When the configuration names a format that there is not.
    pub(crate) fn format(&self, ctx: &Context) -> Result<Format> {
        match (&self.output, &ctx.config.output) {
            (Some(format), _) => Ok(*format),
            (None, Some(name)) => Format::from_str(name, false).map_err(|_| {
                anyhow!(
                    "configuration: `output = {name:?}`: it is columns, json, jsonpretty, yaml, \
                     csv or none"
                )
            }),
            (None, None) => Ok(Format::default()),
        }
    }

    /// Which rows and fields are shown, and what is counted.
    pub(crate) fn choice(&self) -> Choice {
        let metrics = [&self.counter, &self.gauge, &self.hist];
        Choice {
            fields: self.fields.clone(),
            filters: self.filter.clone(),
            order: self.sort.clone(),
            limit: self.limit.map(|limit| limit as usize),
            count: self.count,
            interval: self.interval,
            metrics: metrics.into_iter().flatten().cloned().collect(),
        }
    }

    /// Where metrics are served.
    pub(crate) fn metrics(&self) -> Option<Address> {
        self.metrics
    }
}

/// The shortest interval: a screen that changes more often nobody can read.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

fn interval(text: &str) -> Result<Duration> {
    let interval = duration::parse(text)?;
    anyhow::ensure!(
        interval >= INTERVAL_MIN,
        "an interval has at least {} ms",
        INTERVAL_MIN.as_millis()
    );
    Ok(interval)
}

fn counter(text: &str) -> Result<MetricRequest> {
    MetricRequest::parse(Metric::Counter, text)
}

fn gauge(text: &str) -> Result<MetricRequest> {
    MetricRequest::parse(Metric::Gauge, text)
}

fn histogram(text: &str) -> Result<MetricRequest> {
    MetricRequest::parse(Metric::Histogram, text)
}
