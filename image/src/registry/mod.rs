//! The registry client: OCI distribution specification 1.1, around `oci-client`.
//!
//! `oci-client` uploads and mounts blobs, with the tokens that are got here. What comes from a
//! registry that may be anybody's (manifests, blobs, tokens, error messages) is read here, with the
//! HTTP stack that `oci-client` brings: its version 0.18 reads all of these into memory whatever
//! their length, drops `Retry-After`, follows redirects from https to http, and sends passwords to
//! token servers without TLS.

mod auth;
mod copy;
mod credentials;
mod download;
mod file;
mod http;
mod login;
mod mirror;
mod progress;
mod pull;
mod push;
mod referrers;
mod retry;
mod signatures;
mod transfer;
mod upload;
mod url;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Certificate, Method};

pub use copy::Copied;
pub use credentials::{CredentialFile, Credentials};
pub use file::download;
pub use login::Login;
pub use progress::{Progress, ProgressSink};
pub use pull::{Platforms, Pulled};
pub use push::Pushed;
pub use referrers::Attachment;
pub(crate) use referrers::PackedAttachment;
pub use retry::RetryPolicy;

use crate::limits::MANIFEST_BYTES_MAX;
use crate::{Descriptor, Digest, Error, ErrorKind, Reference, Result, media_type};
use auth::{Authenticator, Scope};
use http::{Http, Request, Response, protocol};
use retry::{Attempt, Failure, retrying};
use url::{Url, is_loopback};

const ACCEPTED_MANIFESTS: [&str; 4] = [
    media_type::OCI_INDEX,
    media_type::OCI_MANIFEST,
    media_type::DOCKER_INDEX,
    media_type::DOCKER_MANIFEST,
];

/// Docker's registry answers under another name than the one that images of it have.
const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// How a [`Registry`] works. The default asks nobody for credentials but Docker's file, uses plain
/// HTTP only on this machine, and reports no progress.
#[derive(Clone)]
#[non_exhaustive]
pub struct RegistryOptions {
    /// Credentials by registry (host and port); they win over `credential_file`.
    pub credentials: BTreeMap<String, Credentials>,
    /// Where other credentials are looked up. Default: [`CredentialFile::of_user`].
    pub credential_file: Option<CredentialFile>,
    /// Registries (host and port) that are reached without TLS. This machine's always are, unless
    /// they are in `tls_hosts`.
    pub plain_http_hosts: Vec<String>,
    /// Registries on this machine that are reached with TLS all the same.
    pub tls_hosts: Vec<String>,
    /// Where images of a registry (host and port) are looked for before it is asked itself, in this
    /// order: other registries, perhaps with a path in front of the repository
    /// (`mirror.example:5000/cache`). Nothing is pushed to them.
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// Certificates (PEM) that are trusted beside those of the system.
    pub certificates_pem: Vec<Vec<u8>>,
    /// How transient failures are repeated.
    pub retry: RetryPolicy,
    /// Whether pulls, pushes and copies take the signatures of images along. Default: no.
    pub signatures: bool,
    /// Is told what happens.
    pub progress: ProgressSink,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            credentials: BTreeMap::new(),
            credential_file: CredentialFile::of_user(),
            plain_http_hosts: Vec::new(),
            tls_hosts: Vec::new(),
            mirrors: BTreeMap::new(),
            certificates_pem: Vec::new(),
            retry: RetryPolicy::default(),
            signatures: false,
            progress: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for RegistryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryOptions")
            .field("credentials", &self.credentials)
            .field("credential_file", &self.credential_file)
            .field("plain_http_hosts", &self.plain_http_hosts)
            .field("tls_hosts", &self.tls_hosts)
            .field("mirrors", &self.mirrors)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// A client of OCI registries.
///
/// Blocks; a value can be shared by threads, and keeps connections and tokens. Proxies come from
/// `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`.
///
/// - Downloads go straight into the store's files, are verified on the way, and continue where an
///   earlier one stopped, also one of another process. Memory stays flat.
/// - Uploads skip what the registry has, and mount what it has in another repository.
/// - Every answer is bounded. Credentials go to the registry and its token server only, never
///   along a redirect to another host, and never appear in errors or traces.
#[derive(Debug)]
pub struct Registry {
    options: RegistryOptions,
    http: Http,
    authenticator: Authenticator,
}

impl Registry {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for certificates that are not PEM,
    /// [`ErrorKind::InvalidReference`] for mirrors that are no registries.
    pub fn new(options: RegistryOptions) -> Result<Self> {
        mirror::check(&options.mirrors)?;
        let certificates = parse_certificates(&options.certificates_pem)?;
        let authenticator =
            Authenticator::new(options.credentials.clone(), options.credential_file.clone());
        Ok(Self {
            http: Http::new(certificates)?,
            authenticator,
            options,
        })
    }

    /// Asks what `reference` names at its registry, without fetching it: a manifest or an index.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Unauthorized`], [`ErrorKind::Network`],
    /// [`ErrorKind::Registry`].
    pub fn resolve(&self, reference: &Reference) -> Result<Descriptor> {
        on_own_thread(|| self.at_mirrors(reference, |address| self.resolve_manifest(address)))
            .map_err(|error| error.context(format_args!("find image {reference} at its registry")))
    }

    fn resolve_manifest(&self, reference: &Reference) -> Result<Descriptor> {
        let scope = pull_scope(reference)?;
        retrying(self.retry_at(reference), &self.options.progress, || {
            let url = self.manifest_url(reference, &which(reference))?;
            let response = self.send(&scope, &manifest_request(Method::HEAD, url))?;
            describe(reference, response)
        })
    }

    /// Sends `request`; once more with credentials when the registry wants some.
    fn send(&self, scope: &Scope, request: &Request) -> Attempt<Response<'_>> {
        let granted = self.authenticator.granted(scope);
        let response = self.http.send(request, granted.as_deref())?;
        if response.status != 401 {
            return Ok(response);
        }
        let authorization = self.authenticator.authorize(
            &self.http,
            &response.url,
            response.headers(),
            scope,
            granted.as_deref(),
        )?;
        drop(response);
        let response = self.http.send(request, Some(&authorization))?;
        if response.status == 401 {
            return Err(self.authenticator.refusal(scope).into());
        }
        Ok(response)
    }

    /// `/v2/<repository>/<path>` of the registry of `reference`.
    fn url(&self, reference: &Reference, path: &str) -> Result<Url> {
        let path = format!("/v2/{}/{path}", reference.repository());
        Ok(self.api(registry_of(reference)?, path))
    }

    /// `path` at `registry`, by the protocol that is used with it.
    fn api(&self, registry: &str, path: String) -> Url {
        let listed = |hosts: &[String]| hosts.iter().any(|host| host == registry);
        let is_plain = listed(&self.options.plain_http_hosts)
            || (is_loopback(registry) && !listed(&self.options.tls_hosts));
        let host = if registry == DOCKER_HUB {
            DOCKER_HUB_API
        } else {
            registry
        };
        Url::new(!is_plain, host, path)
    }

    fn manifest_url(&self, reference: &Reference, which: &str) -> Result<Url> {
        self.url(reference, &format!("manifests/{which}"))
    }
}

fn parse_certificates(files: &[Vec<u8>]) -> Result<Vec<Certificate>> {
    let mut certificates = Vec::new();
    for file in files {
        match Certificate::from_pem_bundle(file) {
            Ok(found) if !found.is_empty() => certificates.extend(found),
            _ => {
                let message = "read certificates: they are not PEM";
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
    }
    Ok(certificates)
}

/// Runs `operation` on a thread of its own: the caller's may belong to an async runtime, in which
/// another one cannot be driven.
fn on_own_thread<T: Send>(operation: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let result = scope.spawn(operation).join();
        // A panic goes on here, as it would without the thread.
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn registry_of(reference: &Reference) -> Result<&str> {
    reference.registry().ok_or_else(|| {
        let message = format!("find the registry of {reference}: this is a short name");
        Error::new(ErrorKind::InvalidReference, message)
    })
}

fn pull_scope(reference: &Reference) -> Result<Scope> {
    Ok(Scope {
        registry: registry_of(reference)?.to_owned(),
        repository: reference.repository().to_owned(),
        writes: false,
        mount_from: None,
    })
}

/// The digest of a reference, or its tag.
fn which(reference: &Reference) -> String {
    match reference.digest() {
        Some(digest) => digest.to_string(),
        None => reference.tag().unwrap_or(crate::DEFAULT_TAG).to_owned(),
    }
}

fn manifest_request(method: Method, url: Url) -> Request<'static> {
    let headers = vec![(ACCEPT, ACCEPTED_MANIFESTS.join(", "))];
    Request {
        method,
        url,
        headers,
        content: &[],
    }
}

/// Reads the answer to a HEAD of a manifest.
fn describe(reference: &Reference, response: Response) -> Attempt<Descriptor> {
    if response.status != 200 {
        return Err(response.into_failure("ask for the manifest"));
    }
    let digest = content_digest(&response)
        .or(reference.digest())
        .ok_or_else(|| protocol("ask for the manifest: the registry does not say its digest"))?;
    let size = response
        .header(&CONTENT_LENGTH)
        .and_then(|text| text.parse().ok())
        .filter(|size| *size <= MANIFEST_BYTES_MAX)
        .ok_or_else(|| protocol("ask for the manifest: the registry says no usable size"))?;
    let media_type = content_type(&response).unwrap_or(media_type::OCI_MANIFEST.to_owned());
    Ok(Descriptor {
        digest,
        size,
        ..Descriptor::of(media_type, &[])
    })
}

fn content_digest(response: &Response) -> Option<Digest> {
    response
        .headers()
        .get("docker-content-digest")?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn content_type(response: &Response) -> Option<String> {
    let text = response.header(&CONTENT_TYPE)?;
    Some(text.split(';').next().unwrap_or_default().trim().to_owned())
}

/// Adds what failed to an error, for `map_err`.
fn in_operation(operation: impl fmt::Display) -> impl FnOnce(Failure) -> Failure {
    move |failure| failure.context(operation)
}
