//! A single file by its address: packages that are published on ordinary web servers.

use reqwest::Method;

use super::http::{Http, Request};
use super::on_own_thread;
use super::progress::ProgressSink;
use super::retry::{RetryPolicy, retrying};
use super::url::{Url, is_loopback};
use crate::{Error, ErrorKind, Result};

/// Fetches a file of at most `bytes_max` bytes. Nothing says what it should be: only with https is
/// it certain whose it is, so that plain http is for this machine only.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for what is no such address, [`ErrorKind::NotFound`],
/// [`ErrorKind::Network`], [`ErrorKind::TooLarge`].
pub fn download(address: &str, bytes_max: u64) -> Result<Vec<u8>> {
    let invalid = |reason: &str| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("download {address}: {reason}"),
        )
    };
    let url = Url::parse(address).ok_or_else(|| invalid("this is no http or https address"))?;
    if !url.is_https && !is_loopback(&url.authority) {
        return Err(invalid(
            "without TLS (https) anybody on the way could change it",
        ));
    }
    let silent: ProgressSink = std::sync::Arc::new(|_| {});
    on_own_thread(|| {
        let http = Http::new(Vec::new())?;
        retrying(RetryPolicy::default(), &silent, || {
            let request = Request {
                method: Method::GET,
                url: url.clone(),
                headers: Vec::new(),
                content: &[],
            };
            let response = http.send(&request, None)?;
            match response.status {
                200 => response.into_bytes(bytes_max),
                _ => Err(response.into_failure(&format!("download {url}"))),
            }
        })
    })
}
