//! Finding out whether a registry accepts credentials.

use reqwest::Method;

use super::auth::Scope;
use super::http::{Request, protocol};
use super::retry::retrying;
use super::{Registry, on_own_thread};
use crate::Result;

/// What a registry says to credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Login {
    /// It accepts them.
    Accepted,
    /// It has not asked for any: they may be needed for writing, or be wrong.
    NotAsked,
}

impl Registry {
    /// Asks `registry` (host and port) whether it accepts the credentials that this client has for
    /// it.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`](crate::ErrorKind::Unauthorized) when it refuses them or there
    /// are none; [`ErrorKind::Network`](crate::ErrorKind::Network);
    /// [`ErrorKind::Registry`](crate::ErrorKind::Registry) for what is no registry.
    pub fn login(&self, registry: &str) -> Result<Login> {
        on_own_thread(|| self.ask_for_login(registry))
    }

    fn ask_for_login(&self, registry: &str) -> Result<Login> {
        let operation = format!("log in to {registry}");
        let scope = Scope {
            registry: registry.to_owned(),
            repository: String::new(),
            writes: false,
            mount_from: None,
        };
        retrying(self.options.retry, &self.options.progress, || {
            let request = Request {
                method: Method::GET,
                url: self.api(registry, "/v2/".to_owned()),
                headers: Vec::new(),
                content: &[],
            };
            let response = self.send(&scope, &request)?;
            match response.status {
                200 if self.authenticator.granted(&scope).is_some() => Ok(Login::Accepted),
                200 => Ok(Login::NotAsked),
                404 => Err(protocol(format!("{operation}: this is no OCI registry")).into()),
                _ => Err(response.into_failure(&operation)),
            }
        })
    }
}
