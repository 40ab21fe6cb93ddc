//! Tokens: who we are, in the form that a registry asks for.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE};
use serde::Deserialize;

use super::credentials::{CredentialFile, Credentials};
use super::http::{Http, Request, protocol};
use super::retry::Attempt;
use super::url::{Url, percent_encode};
use crate::limits::ANSWER_BYTES_MAX;
use crate::{Error, ErrorKind, Result};

const CLIENT_ID: &str = "ecli";

/// What a request wants to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) registry: String,
    /// Empty when it only wants to log in.
    pub(super) repository: String,
    pub(super) writes: bool,
    /// A repository of the same registry, whose blobs are mounted.
    pub(super) mount_from: Option<String>,
}

impl Scope {
    /// RFC 6750 leaves scopes to the server; these are Docker's ("Token Scope Documentation").
    fn texts(&self) -> Vec<String> {
        if self.repository.is_empty() {
            return Vec::new();
        }
        let actions = if self.writes { "pull,push" } else { "pull" };
        let mut texts = vec![format!("repository:{}:{actions}", self.repository)];
        texts.extend(
            self.mount_from
                .as_ref()
                .map(|from| format!("repository:{from}:pull")),
        );
        texts
    }
}

/// Where credentials come from, and the tokens that were got for them.
#[derive(Debug)]
pub(super) struct Authenticator {
    explicit: BTreeMap<String, Credentials>,
    file: Option<CredentialFile>,
    /// Values of `Authorization` headers.
    granted: Mutex<BTreeMap<Scope, String>>,
}

/// A `WWW-Authenticate` header (RFC 9110, section 11.6.1).
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    scheme: String,
    parameters: BTreeMap<String, String>,
}

impl Authenticator {
    pub(super) fn new(
        explicit: BTreeMap<String, Credentials>,
        file: Option<CredentialFile>,
    ) -> Self {
        Self {
            explicit,
            file,
            granted: Mutex::default(),
        }
    }

    /// The header value that worked for `scope` before.
    pub(super) fn granted(&self, scope: &Scope) -> Option<String> {
        self.lock().get(scope).cloned()
    }

    /// Answers a 401 of `url`: gets and keeps a header value for `scope`, unless another thread
    /// has replaced the one that was `refused`.
    pub(super) fn authorize(
        &self,
        http: &Http,
        url: &Url,
        headers: &HeaderMap,
        scope: &Scope,
        refused: Option<&str>,
    ) -> Attempt<String> {
        if let Some(newer) = self
            .granted(scope)
            .filter(|newer| Some(newer.as_str()) != refused)
        {
            return Ok(newer);
        }
        let challenges = challenges(headers);
        let find = |scheme: &str| challenges.iter().find(|found| found.scheme == scheme);
        let credentials = self.credentials(&scope.registry)?;
        let header = match (find("bearer"), find("basic"), &credentials) {
            (Some(_), _, Some(Credentials::BearerToken(token))) => format!("Bearer {token}"),
            (Some(challenge), _, _) => fetch_token(http, url, challenge, scope, &credentials)?,
            (None, Some(_), Some(credentials)) if credentials.basic().is_some() => {
                credentials.basic().unwrap_or_default()
            }
            (None, Some(_), _) => return Err(refusal(scope, false).into()),
            (None, None, _) => {
                return Err(protocol(format!("{url}: 401 without a known way to log in")).into());
            }
        };
        // The same again would be refused again.
        if Some(header.as_str()) == refused {
            return Err(refusal(scope, credentials.is_some()).into());
        }
        self.lock().insert(scope.clone(), header.clone());
        Ok(header)
    }

    /// The error for a request that was refused with a fresh header.
    pub(super) fn refusal(&self, scope: &Scope) -> Error {
        self.lock().remove(scope);
        let has_credentials = self
            .credentials(&scope.registry)
            .is_ok_and(|found| found.is_some());
        refusal(scope, has_credentials)
    }

    fn credentials(&self, registry: &str) -> Result<Option<Credentials>> {
        if let Some(explicit) = self.explicit.get(registry) {
            return Ok(Some(explicit.clone()));
        }
        self.file
            .as_ref()
            .map_or(Ok(None), |file| file.find(registry))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Scope, String>> {
        // A map of strings is whole at any time.
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(scope: &Scope, has_credentials: bool) -> Error {
    let Scope {
        registry,
        repository,
        writes,
        ..
    } = scope;
    let action = match (repository.as_str(), writes) {
        ("", _) => format!("log in to {registry}"),
        (_, true) => format!("push to {registry}/{repository}"),
        (_, false) => format!("pull from {registry}/{repository}"),
    };
    let reason = if has_credentials {
        "it refuses the credentials"
    } else {
        "it wants a login"
    };
    Error::new(ErrorKind::Unauthorized, format!("{action}: {reason}"))
}

/// Gets a token (Docker's "Token Authentication Specification", and its OAuth 2 variant).
fn fetch_token(
    http: &Http,
    registry: &Url,
    challenge: &Challenge,
    scope: &Scope,
    credentials: &Option<Credentials>,
) -> Attempt<String> {
    let parameter = |name: &str| challenge.parameters.get(name).map(String::as_str);
    let realm = parameter("realm").and_then(Url::parse).ok_or_else(|| {
        protocol(format!(
            "log in to {}: its token server has no address",
            scope.registry
        ))
    })?;
    // A registry that is reached safely must not make us send a password in the clear.
    if registry.is_https && !realm.is_https {
        let message = format!("log in to {}: its token server is {realm}", scope.registry);
        return Err(protocol(message).into());
    }
    let service = parameter("service").unwrap_or_default();
    let operation = format!("get a token from {realm}");
    let form: String;
    let (request, authorization) = match credentials {
        Some(Credentials::IdentityToken(token)) => {
            let fields = [
                ("grant_type", "refresh_token"),
                ("service", service),
                ("client_id", CLIENT_ID),
                ("scope", &scope.texts().join(" ")),
                ("refresh_token", token),
            ];
            let fields = fields.map(|(name, value)| format!("{name}={}", percent_encode(value)));
            form = fields.join("&");
            let headers = vec![(CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned())];
            let content = form.as_bytes();
            (
                Request {
                    method: Method::POST,
                    url: realm,
                    headers,
                    content,
                },
                None,
            )
        }
        credentials => {
            let mut url = realm;
            if !service.is_empty() {
                url = url.with_query("service", service);
            }
            for text in scope.texts() {
                url = url.with_query("scope", &text);
            }
            let (headers, content) = (Vec::new(), &[][..]);
            let authorization = credentials.as_ref().and_then(Credentials::basic);
            (
                Request {
                    method: Method::GET,
                    url,
                    headers,
                    content,
                },
                authorization,
            )
        }
    };
    let response = http.send(&request, authorization.as_deref())?;
    match response.status {
        200 => {}
        401 | 403 => return Err(refusal(scope, credentials.is_some()).into()),
        _ => return Err(response.into_failure(&operation)),
    }
    let body = response.into_bytes(ANSWER_BYTES_MAX)?;
    token_in(&body)
        .map(|token| format!("Bearer {token}"))
        .ok_or_else(|| protocol(format!("{operation}: the answer holds none")).into())
}

fn token_in(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let token = answer
        .token
        .filter(|token| !token.is_empty())
        .or(answer.access_token)?;
    // It becomes a header.
    (!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())).then_some(token)
}

fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    values
        .filter_map(|value| parse_challenge(value.to_str().ok()?))
        .collect()
}

/// One challenge a header, as all registries send them.
fn parse_challenge(text: &str) -> Option<Challenge> {
    let (scheme, mut rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let mut parameters = BTreeMap::new();
    while let Some((name, value)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        let value = value.trim_start();
        let end;
        (end, rest) = match value.strip_prefix('"') {
            Some(quoted) => {
                let (inner, rest) = quoted.split_once('"')?;
                (inner, rest)
            }
            None => value.split_once(',').unwrap_or((value, "")),
        };
        parameters.insert(name, end.trim().to_owned());
    }
    Some(Challenge {
        scheme: scheme.to_ascii_lowercase(),
        parameters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_parsed() {
        let text = r#"Bearer realm="https://a/t?x=1,2",service="s p", scope="repository:a:pull""#;
        let challenge = parse_challenge(text).unwrap();
        assert_eq!(challenge.scheme, "bearer");
        assert_eq!(challenge.parameters["realm"], "https://a/t?x=1,2");
        assert_eq!(challenge.parameters["service"], "s p");
        assert_eq!(challenge.parameters["scope"], "repository:a:pull");
        assert_eq!(parse_challenge("Basic").unwrap().scheme, "basic");
        let token = parse_challenge("BASIC Realm=x, charset=UTF-8").unwrap();
        assert_eq!(token.parameters["realm"], "x");
        assert_eq!(token.parameters["charset"], "UTF-8");
        assert_eq!(parse_challenge(r#"Bearer realm="unclosed"#), None);
    }

    #[test]
    fn only_printable_tokens_become_headers() {
        assert_eq!(token_in(br#"{"token":"a.b"}"#), Some("a.b".into()));
        assert_eq!(
            token_in(br#"{"token":"","access_token":"c"}"#),
            Some("c".into())
        );
        for body in [
            &br#"{}"#[..],
            br#"{"token":"a\r\nX: y"}"#,
            b"x",
            br#"{"token":7}"#,
        ] {
            assert_eq!(token_in(body), None);
        }
    }

    #[test]
    fn credentials_do_not_show_in_debug_output() {
        let credentials = Credentials::Password {
            username: "user".into(),
            password: "secret".into(),
        };
        assert_eq!(format!("{credentials:?}"), "Password(..)");
    }
}
