//! What iterator programs write.

use std::io::Read;
use std::sync::Arc;

use eunomia_host_abi::kernel::Link;
use eunomia_host_abi::output::{Layout, OutputSink, Table};
use eunomia_host_abi::{Error, ErrorKind, Result, record};

use super::stacks::Stacks;
use crate::console::Console;

/// Bytes of one read.
const READ_BYTES: usize = 64 * 1024;

/// The links of an iterator program: one for each place it was given, none if nobody said where.
pub(super) fn links_of<'a>(
    links: &'a [Box<dyn Link>],
    program: &str,
) -> impl Iterator<Item = &'a dyn Link> {
    links
        .iter()
        .map(|link| &**link)
        .filter(move |link| link.info().name == program)
}

/// Run an iterator and print its text.
pub(super) fn print(link: &dyn Link, console: Option<&mut Console>) -> Result<()> {
    let Some(console) = console else {
        return Ok(());
    };
    let mut reader = link.iterate()?;
    let outcome = std::io::copy(&mut reader, console);
    outcome.map(drop).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => {
            Error::new(ErrorKind::Closed, "print: nobody reads any more")
        }
        _ => Error::new(ErrorKind::Other, "print what an iterator wrote").with_source(error),
    })
}

/// Run an iterator and pass on its structs.
pub(super) fn pass_on(
    link: &dyn Link,
    (table, stacks): (&Arc<Table>, &Stacks),
    bytes: usize,
    sink: &mut dyn OutputSink,
) -> Result<()> {
    let mut reader = link.iterate()?;
    let mut pending = Vec::new();
    let mut chunk = vec![0; READ_BYTES];
    let mut shown = false;
    loop {
        let read = reader.read(&mut chunk).map_err(|error| {
            Error::new(ErrorKind::Other, "read what an iterator wrote").with_source(error)
        })?;
        pending.extend_from_slice(&chunk[..read]);
        let whole = pending.len() - pending.len() % bytes.max(1);
        let mut rows = Vec::new();
        for item in pending[..whole].chunks_exact(bytes.max(1)) {
            let mut row = item.to_vec();
            if let Layout::Btf { size, .. } = table.layout
                && row.len() < size
            {
                row.resize(size, 0);
            }
            stacks.fill(&mut row);
            record::push(&mut rows, 0, &row);
        }
        pending.drain(..whole);
        if !rows.is_empty() {
            shown = true;
            sink.rows(table, &rows)?;
        }
        if read == 0 {
            break;
        }
    }
    if shown {
        sink.end_of_interval(table)
    } else {
        Ok(())
    }
}
