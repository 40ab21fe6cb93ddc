//! One HTTP exchange: bounded, with redirects that never carry credentials to another host.
//!
//! On `reqwest`, which `oci-client` brings.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, LOCATION, RETRY_AFTER,
};
use reqwest::{Certificate, Client, Method, redirect};
use tokio::runtime::{Builder, Runtime};

use super::retry::{Attempt, Failure, Retry};
use super::url::{Url, is_loopback};
use crate::limits::{ANSWER_BYTES_MAX, REDIRECTS_MAX, TRANSFERS_MAX};
use crate::{Error, ErrorKind, Result};

pub(super) const USER_AGENT: &str = concat!("ecli/", env!("CARGO_PKG_VERSION"));
/// Names, addresses and TLS.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Until the head of an answer, and then between two pieces of its body.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Characters of a registry's own message that are shown.
const MESSAGE_CHARS_MAX: usize = 300;

/// Sends requests, from any number of threads.
#[derive(Debug)]
pub(super) struct Http {
    /// Drives the connections; threads take turns. There until the drop.
    runtime: Option<Runtime>,
    /// By [`Way`]. Made when needed: reading the system's certificates takes milliseconds.
    clients: [OnceLock<Client>; 3],
    certificates: Vec<Certificate>,
}

/// How a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Through the proxy that the environment names, if any.
    Proxy,
    /// This machine, with TLS.
    Loopback,
    /// This machine without TLS: no certificates are needed.
    Plain,
}

/// A request without credentials.
pub(super) struct Request<'r> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) content: &'r [u8],
}

/// An answer whose body was not read yet.
#[derive(Debug)]
pub(super) struct Response<'h> {
    pub(super) status: u16,
    /// Where it came from, after redirects.
    pub(super) url: Url,
    runtime: &'h Runtime,
    response: reqwest::Response,
}

impl Http {
    /// `certificates` are trusted beside those of the system.
    pub(super) fn new(certificates: Vec<Certificate>) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::io("start the registry client", error))?;
        Ok(Self {
            runtime: Some(runtime),
            clients: Default::default(),
            certificates,
        })
    }

    /// What drives other clients of this registry.
    pub(super) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is taken by the drop only")
    }

    /// Sends one request; GET and HEAD follow redirects. Any status is an answer.
    pub(super) fn send(
        &self,
        request: &Request,
        authorization: Option<&str>,
    ) -> Attempt<Response<'_>> {
        let method = &request.method;
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            // To the registry itself and nobody else, whatever it says.
            let authorization = authorization.filter(|_| url.same_origin(&request.url));
            let response = self.send_once(request, &url, authorization)?;
            let (301 | 302 | 303 | 307 | 308, Some(location)) =
                (response.status, response.header(&LOCATION))
            else {
                return Ok(response);
            };
            if method != Method::GET && method != Method::HEAD {
                return Ok(response);
            }
            let next = url.join(location).ok_or_else(|| {
                protocol(format!("{method} {url}: redirected to a malformed address"))
            })?;
            if url.is_https && !next.is_https {
                let message = format!("{method} {url}: redirected from https to {next}");
                return Err(protocol(message).into());
            }
            url = next;
        }
        let origin = &request.url;
        Err(protocol(format!(
            "{method} {origin}: more than {REDIRECTS_MAX} redirects"
        ))
        .into())
    }

    fn send_once(
        &self,
        request: &Request,
        url: &Url,
        authorization: Option<&str>,
    ) -> Attempt<Response<'_>> {
        let method = &request.method;
        let mut builder = self.client(url)?.request(method.clone(), url.full());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if method != Method::GET && method != Method::HEAD {
            builder = builder.header(CONTENT_LENGTH, request.content.len());
            builder = builder.body(request.content.to_vec());
        }
        let response = self
            .runtime()
            .block_on(async { builder.send().await })
            .map_err(|error| transport_failure(&format!("{method} {url}"), error))?;
        let status = response.status().as_u16();
        Ok(Response {
            status,
            url: url.clone(),
            runtime: self.runtime(),
            response,
        })
    }

    fn client(&self, url: &Url) -> Result<&Client> {
        let way = match is_loopback(&url.authority) {
            false => Way::Proxy,
            true if url.is_https => Way::Loopback,
            true => Way::Plain,
        };
        let slot = &self.clients[way as usize];
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(STALL_TIMEOUT)
            .pool_max_idle_per_host(TRANSFERS_MAX);
        builder = match way {
            Way::Plain => builder.tls_certs_only([]),
            _ => builder.tls_certs_merge(self.certificates.iter().cloned()),
        };
        if way != Way::Proxy {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            let message = format!("start the registry client: {}", chain(&error));
            Error::new(ErrorKind::Network, message)
        })?;
        Ok(slot.get_or_init(|| client))
    }
}

impl Drop for Http {
    /// Does not wait: dropping a runtime in an async function of the caller would panic.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Response<'_> {
    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// A header as text; `None` when it is missing or not ASCII.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The next piece of the body, which may be endless.
    pub(super) fn piece(&mut self) -> Attempt<Option<Bytes>> {
        self.runtime
            .block_on(async { self.response.chunk().await })
            .map_err(|error| transport_failure(&format!("read the answer of {}", self.url), error))
    }

    /// The whole body, of at most `max` bytes.
    pub(super) fn into_bytes(mut self, max: u64) -> Attempt<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece()? {
            if (bytes.len() + piece.len()) as u64 > max {
                let message = format!("read the answer of {}: larger than {max} bytes", self.url);
                return Err(Error::new(ErrorKind::TooLarge, message).into());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// What an answer that is not a success means.
    pub(super) fn into_failure(self, operation: &str) -> Failure {
        let status = self.status;
        let asked = self
            .header(&RETRY_AFTER)
            .and_then(|text| text.trim().parse().ok());
        let mut failure = status_failure(status, operation, asked.map(Duration::from_secs));
        if let Some(reason) = self
            .into_bytes(ANSWER_BYTES_MAX)
            .ok()
            .and_then(|body| reason(&body))
        {
            failure.error = failure.error.because(reason);
        }
        failure
    }
}

/// What a status that is not a success means.
pub(super) fn status_failure(status: u16, operation: &str, asked: Option<Duration>) -> Failure {
    let retry = match status {
        408 | 429 | 500 | 502 | 503 | 504 => Retry::After(asked),
        _ => Retry::Never,
    };
    let kind = match status {
        401 | 403 => ErrorKind::Unauthorized,
        404 => ErrorKind::NotFound,
        _ if retry == Retry::Never => ErrorKind::Registry,
        _ => ErrorKind::Network,
    };
    let message = format!("{operation}: the server answered {status}");
    Failure {
        error: Error::new(kind, message),
        retry,
    }
}

/// The registry does not do what the distribution specification says.
pub(super) fn protocol(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Registry, message)
}

/// All but a request that was never valid: another attempt may find another network.
pub(super) fn transport_failure(operation: &str, error: reqwest::Error) -> Failure {
    let retry = if error.is_builder() {
        Retry::Never
    } else {
        Retry::After(None)
    };
    // Its address may hold a signature in the query; `operation` names it without.
    let message = format!("{operation}: {}", chain(&error.without_url()));
    Failure {
        error: Error::new(ErrorKind::Network, message),
        retry,
    }
}

/// An error with its causes, in one line: those of the HTTP stack say little without.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The messages in an error answer (distribution specification, "Error Codes"), made harmless for
/// a terminal.
fn reason(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        errors: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let first = answer.errors.first()?;
    let text = format!("{} {}", first.code, first.message);
    Some(
        text.trim()
            .chars()
            .take(MESSAGE_CHARS_MAX)
            .flat_map(char::escape_debug)
            .collect(),
    )
}
