//! Uploads and mounts, by `oci-client`.
//!
//! It reads the error messages of a registry that refuses an upload whatever their length; the
//! time limits here are all that bounds them. One pushes to registries that one trusts with an
//! image, so this is accepted, unlike for pulls.

use std::future::Future;
use std::io::Read;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_core::Stream;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::token_cache::{RegistryToken, RegistryTokenType};
use oci_client::{Client, Reference as OciReference, RegistryOperation};
use tokio::sync::mpsc::Receiver;

use super::http::{CONNECT_TIMEOUT, USER_AGENT, status_failure, transport_failure};
use super::progress::{Progress, ProgressSink};
use super::pull::damaged;
use super::retry::{Attempt, Failure, Retry};
use crate::digest::Hasher;
use crate::limits::UPLOAD_STALL_MAX;
use crate::{Descriptor, Error, ErrorKind, Reference, Result};

const PIECE_BYTES: usize = 128 << 10;
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// One repository of a registry, to which blobs are written.
#[derive(Clone)]
pub(super) struct Uploader {
    client: Client,
    repository: OciReference,
}

/// How a registry is reached.
pub(super) struct Access<'a> {
    pub(super) is_https: bool,
    pub(super) certificates_pem: &'a [Vec<u8>],
    /// The `Authorization` header that the registry accepts.
    pub(super) authorization: Option<String>,
}

impl Uploader {
    pub(super) async fn new(target: &Reference, access: Access<'_>) -> Result<Self> {
        let registry = target.registry().unwrap_or_default().to_owned();
        let certificate = |data: &Vec<u8>| Certificate {
            encoding: CertificateEncoding::Pem,
            data: data.clone(),
        };
        let config = ClientConfig {
            protocol: match access.is_https {
                true => ClientProtocol::Https,
                false => ClientProtocol::HttpsExcept(vec![registry.clone()]),
            },
            use_monolithic_push: true,
            extra_root_certificates: access.certificates_pem.iter().map(certificate).collect(),
            // No read timeout: it would count the whole upload. See `watch`.
            connect_timeout: Some(CONNECT_TIMEOUT),
            user_agent: USER_AGENT,
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|_| {
            Error::new(
                ErrorKind::InvalidInput,
                "start the registry client: bad certificates",
            )
        })?;
        let repository = oci_reference(target, &registry);
        // With a token in its cache the client asks nobody for one: that was done, with more care.
        client
            .store_auth_if_needed(&registry, &RegistryAuth::Anonymous)
            .await;
        if let Some(token) = access.authorization.as_deref().and_then(token) {
            client
                .tokens
                .insert(&repository, RegistryOperation::Push, token)
                .await;
        }
        Ok(Self { client, repository })
    }

    /// Asks for a mount of the blob from the repository of `source`. `false` when the registry
    /// would rather have it uploaded.
    pub(super) async fn mount(&self, blob: &Descriptor, source: &Reference) -> Attempt<bool> {
        let registry = source.registry().unwrap_or_default();
        let source = oci_reference(source, registry);
        let digest = blob.digest.to_string();
        let mount = self.client.mount_blob(&self.repository, &source, &digest);
        let operation = format!("mount blob {digest}");
        match limited(mount).await {
            Ok(()) => Ok(true),
            // 202: an upload was started instead, which the registry forgets by itself.
            Err(Trouble::Registry(OciDistributionError::SpecViolationError(_))) => Ok(false),
            Err(error) => Err(error.into_failure(&operation)),
        }
    }

    /// Uploads what `source` yields, in one request.
    pub(super) async fn upload(
        &self,
        blob: &Descriptor,
        source: Source,
        report: &ProgressSink,
    ) -> Attempt<()> {
        let operation = format!("upload blob {}", blob.digest);
        let is_download = matches!(source, Source::Pieces(_));
        let sent = Arc::new(Sent::default());
        let content = Content {
            source,
            blob: blob.clone(),
            report: Arc::clone(report),
            sent: Arc::clone(&sent),
        };
        let digest = blob.digest.to_string();
        let push =
            self.client
                .push_blob_stream(&self.repository, content, &digest, Some(blob.size));
        let result = watch(push, &sent, &operation).await;
        // The registry would say less clearly that the source ended early or the blob is damaged.
        if let Some(failure) = sent.failure() {
            return Err(failure.context(&operation));
        }
        sent.check(blob).map_err(|error| {
            let error = error.context(&operation);
            // What was damaged on the way from a registry may arrive whole the next time.
            if is_download {
                damaged(error)
            } else {
                error.into()
            }
        })?;
        result.map(drop)
    }
}

/// Where the content of a blob comes from.
pub(super) enum Source {
    /// A file or memory: reading may block, but not for long.
    Reader(Box<dyn Read + Send>),
    /// Another transfer.
    Pieces(Receiver<Attempt<Bytes>>),
}

/// What was read of a blob so far.
#[derive(Debug, Default)]
struct Sent {
    bytes: AtomicU64,
    hasher: Mutex<Hasher>,
    /// Why its source had no more.
    failure: Mutex<Option<Failure>>,
}

impl Sent {
    fn failure(&self) -> Option<Failure> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn check(&self, blob: &Descriptor) -> Result<()> {
        let hasher = self
            .hasher
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (found, len) = hasher.finish();
        if len < blob.size || found == blob.digest {
            return Ok(());
        }
        let message = format!("digest mismatch: its content is {found}");
        Err(Error::new(ErrorKind::Corrupt, message))
    }
}

/// A blob that is verified while it is sent.
struct Content {
    source: Source,
    blob: Descriptor,
    report: ProgressSink,
    sent: Arc<Sent>,
}

impl Content {
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<ClientResult<Bytes>>> {
        match &mut self.source {
            Source::Reader(reader) => {
                let mut piece = vec![0; PIECE_BYTES];
                Poll::Ready(match reader.read(&mut piece) {
                    Ok(0) => None,
                    Ok(len) => {
                        piece.truncate(len);
                        Some(Ok(Bytes::from(piece)))
                    }
                    Err(error) => Some(Err(OciDistributionError::IoError(error))),
                })
            }
            Source::Pieces(pieces) => pieces.poll_recv(context).map(|piece| match piece? {
                Ok(piece) => Some(Ok(piece)),
                Err(failure) => {
                    let slot = self.sent.failure.lock();
                    *slot.unwrap_or_else(PoisonError::into_inner) = Some(failure);
                    // Ends the request; nobody sees this.
                    Some(Err(OciDistributionError::GenericError(None)))
                }
            }),
        }
    }
}

impl Stream for Content {
    type Item = ClientResult<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = this.next(context);
        if let Poll::Ready(Some(Ok(piece))) = &next {
            this.sent
                .hasher
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .update(piece);
            this.sent
                .bytes
                .fetch_add(piece.len() as u64, Ordering::Relaxed);
            (this.report)(&Progress::Advanced {
                blob: &this.blob,
                bytes: piece.len() as u64,
            });
        }
        next
    }
}

/// Why a call of the client did not succeed.
enum Trouble {
    Registry(OciDistributionError),
    Stall,
}

type ClientResult<T> = std::result::Result<T, OciDistributionError>;

/// Waits for a request that is small both ways.
async fn limited<T>(
    request: impl Future<Output = ClientResult<T>>,
) -> std::result::Result<T, Trouble> {
    match tokio::time::timeout(UPLOAD_STALL_MAX, request).await {
        Ok(result) => result.map_err(Trouble::Registry),
        Err(_) => Err(Trouble::Stall),
    }
}

/// Waits for an upload as long as it makes progress.
async fn watch<T>(
    upload: impl Future<Output = ClientResult<T>>,
    sent: &Sent,
    operation: &str,
) -> Attempt<T> {
    let mut upload = pin!(upload);
    let mut last = (0, Instant::now());
    loop {
        if let Ok(result) = tokio::time::timeout(WATCH_INTERVAL, &mut upload).await {
            let result = result.map_err(Trouble::Registry);
            return result.map_err(|error| error.into_failure(operation));
        }
        let bytes = sent.bytes.load(Ordering::Relaxed);
        if bytes != last.0 {
            last = (bytes, Instant::now());
        } else if last.1.elapsed() > UPLOAD_STALL_MAX {
            return Err(Trouble::Stall.into_failure(operation));
        }
    }
}

impl Trouble {
    fn into_failure(self, operation: &str) -> Failure {
        use OciDistributionError as E;
        let error = match self {
            Self::Registry(error) => error,
            Self::Stall => {
                let seconds = UPLOAD_STALL_MAX.as_secs();
                let message = format!("{operation}: no progress for {seconds} seconds");
                return Failure::transient(message);
            }
        };
        match error {
            E::RequestError(error) => transport_failure(operation, error),
            E::ServerError { code, .. } => status_failure(code, operation, None),
            // A token that ended: the next attempt gets a new one.
            E::UnauthorizedError { .. } => Failure {
                error: Error::new(
                    ErrorKind::Unauthorized,
                    format!("{operation}: not authorized"),
                ),
                retry: Retry::After(None),
            },
            E::IoError(error) => Error::io(operation, error).into(),
            // Other messages could quote an address with a signature.
            E::RegistryNoLocationError => refused(operation, "it does not say where to"),
            E::SpecViolationError(reason) => refused(operation, &reason),
            _ => refused(operation, "its answer does not follow the specification"),
        }
    }
}

fn refused(operation: &str, reason: &str) -> Failure {
    Error::new(ErrorKind::Registry, format!("{operation}: {reason}")).into()
}

fn oci_reference(reference: &Reference, registry: &str) -> OciReference {
    let tag = reference.tag().unwrap_or(crate::DEFAULT_TAG).to_owned();
    OciReference::with_tag(registry.to_owned(), reference.repository().to_owned(), tag)
}

/// The client's form of an `Authorization` header.
fn token(authorization: &str) -> Option<RegistryTokenType> {
    if let Some(token) = authorization.strip_prefix("Bearer ") {
        return Some(RegistryTokenType::Bearer(RegistryToken::Token {
            token: token.to_owned(),
        }));
    }
    let decoded = BASE64.decode(authorization.strip_prefix("Basic ")?).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some(RegistryTokenType::Basic(
        username.to_owned(),
        password.to_owned(),
    ))
}
