//! One blob, from a registry into the store.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_RANGE, RANGE};

use super::auth::Scope;
use super::http::{Request, Response};
use super::progress::{Progress, ProgressSink};
use super::pull::damaged;
use super::retry::{Attempt, Backoff, Failure};
use super::{Registry, in_operation};
use crate::limits::RESTARTS_MAX;
use crate::store::{PartialBlob, Resumed, StoreWriter};
use crate::{Descriptor, ErrorKind, Reference, Result};

/// An attempt that got this far was no failure of the registry as a whole.
pub(super) const PROGRESS_BYTES_MIN: u64 = 64 << 10;

impl Registry {
    /// Returns how many bytes were downloaded.
    pub(super) fn download(
        &self,
        scope: &Scope,
        reference: &Reference,
        writer: &StoreWriter,
        blob: &Descriptor,
    ) -> Result<u64> {
        let report = &self.options.progress;
        let mut partial = match writer.resume_blob(blob)? {
            Resumed::Present => {
                report(&Progress::Present(blob));
                return Ok(0);
            }
            Resumed::Partial(partial) => partial,
        };
        let mut backoff = Backoff::new(self.retry_at(reference), report);
        let mut restarts = 0;
        let mut downloaded = 0;
        loop {
            let before = partial.len();
            report(&Progress::Started {
                blob,
                offset: before,
            });
            let mut sink = Reported {
                partial: &mut partial,
                blob,
                report,
            };
            let attempt = self.download_rest(scope, reference, blob, &mut sink);
            let gained = partial.len().saturating_sub(before);
            downloaded += gained;
            if gained >= PROGRESS_BYTES_MIN {
                backoff.progressed();
            }
            match attempt {
                Err(failure) => backoff.pause(failure)?,
                Ok(()) => match partial.finish() {
                    Ok(()) => {
                        report(&Progress::Finished(blob));
                        return Ok(downloaded);
                    }
                    Err(error) if error.kind() == ErrorKind::Corrupt && restarts < RESTARTS_MAX => {
                        restarts += 1;
                        backoff.pause(damaged(error))?;
                    }
                    Err(error) => return Err(error),
                },
            }
        }
    }

    /// One request for what is missing.
    pub(super) fn download_rest(
        &self,
        scope: &Scope,
        reference: &Reference,
        blob: &Descriptor,
        sink: &mut dyn BlobSink,
    ) -> Attempt<()> {
        let offset = sink.len();
        if offset == blob.size {
            return Ok(());
        }
        let operation = format!("download blob {}", blob.digest);
        let url = self.url(reference, &format!("blobs/{}", blob.digest))?;
        let range = (offset > 0).then(|| (RANGE, format!("bytes={offset}-")));
        let headers = range.into_iter().collect();
        let request = Request {
            method: Method::GET,
            url,
            headers,
            content: &[],
        };
        let response = self
            .send(scope, &request)
            .map_err(in_operation(&operation))?;
        match response.status {
            206 if starts_at(&response, offset) => {}
            // The registry knows no ranges, or sends another one.
            200 => sink.restart()?,
            206 | 416 => {
                sink.restart()?;
                let message = format!("{operation}: the registry sent another range");
                return Err(Failure::transient(message));
            }
            _ => return Err(response.into_failure(&operation)),
        }
        copy_body(response, blob, sink)
    }
}

/// Where the content of a blob goes.
pub(super) trait BlobSink {
    /// Bytes that it has.
    fn len(&self) -> u64;

    /// Appends a piece.
    fn write(&mut self, piece: Bytes) -> Attempt<()>;

    /// Goes back to the beginning.
    fn restart(&mut self) -> Attempt<()>;
}

/// A file of the store, and those who want to know.
struct Reported<'r> {
    partial: &'r mut PartialBlob,
    blob: &'r Descriptor,
    report: &'r ProgressSink,
}

impl BlobSink for Reported<'_> {
    fn len(&self) -> u64 {
        self.partial.len()
    }

    fn write(&mut self, piece: Bytes) -> Attempt<()> {
        self.partial.write(&piece)?;
        (self.report)(&Progress::Advanced {
            blob: self.blob,
            bytes: piece.len() as u64,
        });
        Ok(())
    }

    fn restart(&mut self) -> Attempt<()> {
        Ok(self.partial.restart()?)
    }
}

fn copy_body(mut response: Response, blob: &Descriptor, sink: &mut dyn BlobSink) -> Attempt<()> {
    while sink.len() < blob.size {
        let Some(mut piece) = response.piece()? else {
            let (got, size) = (sink.len(), blob.size);
            let message = format!("download blob {}: cut at {got} of {size}", blob.digest);
            return Err(Failure::transient(message));
        };
        // More than was announced is not what was asked for: the digest would differ.
        let rest = usize::try_from(blob.size - sink.len()).unwrap_or(usize::MAX);
        piece.truncate(rest);
        sink.write(piece)?;
    }
    Ok(())
}

/// RFC 9110, section 14.4: `bytes <first>-<last>/<size>`.
fn starts_at(response: &Response, offset: u64) -> bool {
    response
        .header(&CONTENT_RANGE)
        .and_then(|text| text.trim().strip_prefix("bytes"))
        .and_then(|text| text.trim_start().split_once('-'))
        .is_some_and(|(first, _)| first.parse() == Ok(offset))
}
