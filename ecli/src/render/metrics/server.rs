//! The server of metrics.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use super::expose::{Dialect, expose};
use super::registry::Registry;
use super::request::Address;

/// Connections at a time: a few scrapers. More wait to be accepted.
const CONNECTIONS_MAX: usize = 32;

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection lives, so that idle ones do not keep others out.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(120);

/// Serves metrics on a thread of their own, until the process ends; where it listens.
///
/// # Errors
/// When the address cannot be listened on.
pub(in crate::render) fn serve(
    address: Address,
    registry: Arc<Mutex<Registry>>,
) -> Result<SocketAddr> {
    let operation = || format!("serve metrics on {}", address.0);
    let listener = TcpListener::bind(address.0).with_context(operation)?;
    listener.set_nonblocking(true).with_context(operation)?;
    let address = listener.local_addr().with_context(operation)?;
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .with_context(operation)?;
    std::thread::Builder::new()
        .name("serve metrics".into())
        .spawn(move || event_loop.block_on(accept(listener, registry)))
        .with_context(operation)?;
    Ok(address)
}

async fn accept(listener: TcpListener, registry: Arc<Mutex<Registry>>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Descriptors are short, for example: others may be closed meanwhile.
                tracing::warn!(%error, "accept a connection for metrics");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let registry = Arc::clone(&registry);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = respond(&request, &registry);
                async { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            // A client that goes away early is its own business.
            let _ = tokio::time::timeout(CONNECTION_AGE_MAX, connection).await;
            drop(permit);
        });
    }
}

fn respond(request: &Request<Incoming>, registry: &Mutex<Registry>) -> Response<Full<Bytes>> {
    let status = |status, text: &'static str| {
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return status(StatusCode::NOT_FOUND, "metrics are at /metrics\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return status(StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read\n");
    }
    let accept = request.headers().get(ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or("");
    let dialect = Dialect::accepted(accept);
    let text = {
        // Numbers are whole at every point at which a panic could poison the lock.
        let registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
        expose(&registry, dialect)
    };
    let mut response = Response::new(Full::from(text));
    let content_type = hyper::header::HeaderValue::from_static(dialect.content_type());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
