//! Counters, gauges and histograms of rows, served for Prometheus. docs/output.md says what is
//! counted.

mod expose;
mod instrument;
mod registry;
mod request;
mod server;

pub(super) use instrument::Instruments;
pub(super) use registry::Registry;
pub(super) use request::ROWS;
pub(crate) use request::{Address, MetricRequest};
pub(super) use server::serve;

#[cfg(test)]
mod tests;
