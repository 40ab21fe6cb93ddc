//! One blob, from a registry into the store.

use reqwest::Method;
use reqwest::header::{CONTENT_RANGE, RANGE};

use super::auth::Scope;
use super::http::{Request, Response};
use super::progress::Progress;
use super::pull::damaged;
use super::retry::{Attempt, Backoff, Failure};
use super::{Registry, in_operation};
use crate::limits::RESTARTS_MAX;
use crate::store::{PartialBlob, Resumed, StoreWriter};
use crate::{Descriptor, ErrorKind, Reference, Result};

/// An attempt that got this far was no failure of the registry as a whole.
const PROGRESS_BYTES_MIN: u64 = 64 << 10;

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
        let mut backoff = Backoff::new(self.options.retry, report);
        let mut restarts = 0;
        let mut downloaded = 0;
        loop {
            let before = partial.len();
            report(&Progress::Started {
                blob,
                offset: before,
            });
            let attempt = self.download_rest(scope, reference, blob, &mut partial);
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
    fn download_rest(
        &self,
        scope: &Scope,
        reference: &Reference,
        blob: &Descriptor,
        partial: &mut PartialBlob,
    ) -> Attempt<()> {
        let offset = partial.len();
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
            200 => partial.restart()?,
            206 | 416 => {
                partial.restart()?;
                let message = format!("{operation}: the registry sent another range");
                return Err(Failure::transient(message));
            }
            _ => return Err(response.into_failure(&operation)),
        }
        self.copy_body(response, blob, partial)
    }

    fn copy_body(
        &self,
        mut response: Response,
        blob: &Descriptor,
        partial: &mut PartialBlob,
    ) -> Attempt<()> {
        while partial.len() < blob.size {
            let Some(piece) = response.piece()? else {
                let (got, size) = (partial.len(), blob.size);
                let message = format!("download blob {}: cut at {got} of {size}", blob.digest);
                return Err(Failure::transient(message));
            };
            // More than was announced is not what was asked for: the digest would differ.
            let rest = usize::try_from(blob.size - partial.len()).unwrap_or(usize::MAX);
            let piece = &piece[..piece.len().min(rest)];
            partial.write(piece)?;
            (self.options.progress)(&Progress::Advanced {
                blob,
                bytes: piece.len() as u64,
            });
        }
        Ok(())
    }
}

/// RFC 9110, section 14.4: `bytes <first>-<last>/<size>`.
fn starts_at(response: &Response, offset: u64) -> bool {
    response
        .header(&CONTENT_RANGE)
        .and_then(|text| text.trim().strip_prefix("bytes"))
        .and_then(|text| text.trim_start().split_once('-'))
        .is_some_and(|(first, _)| first.parse() == Ok(offset))
}
