//! Registries that lie, leak, and never stop talking.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eunomia_image::registry::{Attachment, Credentials, Platforms, Registry, RegistryOptions};
use eunomia_image::{Digest, Error, ErrorKind, PackedImage, Reference, media_type};
use support::server::{Answer, Asked, Server};
use support::{host, packed, reference, store};

const SECRET: &str = "s3cret-password";

fn options() -> RegistryOptions {
    let mut options = RegistryOptions::default();
    options.credential_file = None;
    options.retry.attempts = 3;
    options.retry.pause_first = Duration::from_millis(1);
    options
}

fn password() -> Credentials {
    Credentials::Password {
        username: "user".to_owned(),
        password: SECRET.to_owned(),
    }
}

fn name(server: &Server) -> Reference {
    reference(&format!("{}/a:1", server.address))
}

/// Pulls into an empty store, which must stay sound and, after a failure, empty.
fn pull_with(options: RegistryOptions, name: &Reference) -> Result<(), Error> {
    let (_folder, store) = store();
    let result = Registry::new(options)
        .unwrap()
        .pull(&store, name, &Platforms::Only(host()));
    assert!(store.check().unwrap().problems.is_empty());
    assert_eq!(store.list().unwrap().is_empty(), result.is_err());
    result.map(drop)
}

fn pull(name: &Reference) -> Result<(), Error> {
    pull_with(options(), name)
}

/// What an honest registry answers.
fn honest(image: &PackedImage, asked: &Asked) -> Answer {
    let last = asked.path.rsplit('/').next().unwrap_or_default();
    let (blob, content) = match last {
        "1" => image.blobs().last().unwrap(),
        digest => match image
            .blobs()
            .iter()
            .find(|(blob, _)| blob.digest.to_string() == digest)
        {
            Some(found) => found,
            None => return Answer::new(404, "{}"),
        },
    };
    Answer::new(200, content.clone())
        .header("Content-Type", blob.media_type.clone())
        .header("Docker-Content-Digest", blob.digest.to_string())
}

fn manifest(text: impl Into<Vec<u8>>) -> Answer {
    Answer::new(200, text).header("Content-Type", media_type::OCI_MANIFEST)
}

#[test]
fn an_honest_server_is_pulled_from() {
    let image = packed("a");
    let server = Server::start(move |asked| honest(&image, asked));
    pull(&name(&server)).unwrap();
}

#[test]
fn endless_answers_are_cut_off() {
    let image = packed("a");
    for endless_part in ["manifests", "blobs"] {
        for status in [200, 404, 500] {
            let image = image.clone();
            let server = Server::start(move |asked| {
                let mut answer = honest(&image, asked);
                if asked.path.contains(endless_part) {
                    answer.status = status;
                    answer.body = vec![b' '; 1 << 20];
                    answer.endless = true;
                }
                answer
            });
            let start = Instant::now();
            let error = pull(&name(&server)).unwrap_err();
            assert!(start.elapsed() < Duration::from_secs(20), "{error}");
        }
    }
}

#[test]
fn hostile_manifests_are_refused() {
    let x = Digest::of(b"x");
    let config = format!(r#"{{"mediaType":"a/b","digest":"{x}","size":1}}"#);
    let huge = u64::MAX;
    for text in [
        String::new(),
        "null".into(),
        "{}".into(),
        "[".repeat(1 << 20),
        r#"{"schemaVersion":2}"#.into(),
        format!(r#"{{"schemaVersion":2,"config":{config},"layers":[],"manifests":[]}}"#),
        format!(
            r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#,
            config.replace(&x.hex(), "../../../../../../etc/passwd")
        ),
        format!(
            r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#,
            config
                .replace(r#""size":1"#, &format!(r#""size":{huge}"#))
                .replace(&x.hex(), &Digest::of(b"y").hex())
        ),
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{config}]}}"#,
            media_type::OCI_INDEX
        ),
        "x".repeat((4 << 20) + 1),
    ] {
        let shown: String = text.chars().take(60).collect();
        let server = Server::start(move |_| manifest(text.clone()));
        let error = pull(&name(&server)).expect_err(&shown);
        let known = [
            ErrorKind::Corrupt,
            ErrorKind::TooLarge,
            ErrorKind::Registry,
            ErrorKind::NoPlatform,
        ];
        assert!(known.contains(&error.kind()), "{shown}: {error}");
    }
}

#[test]
fn content_that_does_not_match_is_refused_however_it_is_announced() {
    let image = packed("a");
    type Change = fn(&Asked, &mut Answer);
    let changes: [(&str, Change); 4] = [
        (
            "a manifest with another digest than its header",
            |asked, answer| {
                if asked.path.contains("manifests") {
                    answer.body.push(b' ');
                }
            },
        ),
        ("a blob with one bit flipped", |asked, answer| {
            if asked.path.contains("blobs") {
                answer.body[0] ^= 1;
            }
        }),
        ("a blob that is cut", |asked, answer| {
            if asked.path.contains("blobs") {
                answer.body.pop();
            }
        }),
        ("a range that nobody asked for", |asked, answer| {
            if asked.path.contains("blobs") {
                answer.status = 206;
                answer
                    .headers
                    .push(("Content-Range", "bytes 1-2/3".to_owned()));
            }
        }),
    ];
    for (what, change) in changes {
        let image = image.clone();
        let server = Server::start(move |asked| {
            let mut answer = honest(&image, asked);
            change(asked, &mut answer);
            answer
        });
        assert!(pull(&name(&server)).is_err(), "{what}");
    }
}

#[test]
fn a_digest_reference_gets_that_digest_or_nothing() {
    let image = packed("a");
    let other = packed("b").digest();
    let server = Server::start(move |asked| {
        let mut answer = honest(&image, asked);
        if asked.path.contains("manifests") {
            answer = honest(
                &image,
                &Asked {
                    path: "/1".into(),
                    ..asked.clone()
                },
            );
            answer
                .headers
                .retain(|(name, _)| *name != "Docker-Content-Digest");
        }
        answer
    });
    let error = pull(&name(&server).at_digest(other)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("digest mismatch"), "{error}");
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let image = packed("a");
    let elsewhere = {
        let image = image.clone();
        Server::start(move |asked| honest(&image, asked))
    };
    let target = elsewhere.address;
    let server = Server::start(move |asked| {
        if asked.header("authorization").is_none() {
            return Answer::new(401, "").header("WWW-Authenticate", "Basic realm=\"x\"");
        }
        if asked.path.contains("blobs") {
            let location = format!("http://{target}{}", asked.path);
            return Answer::new(307, "").header("Location", location);
        }
        honest(&image, asked)
    });
    let mut options = options();
    options
        .credentials
        .insert(server.address.to_string(), password());
    pull_with(options, &name(&server)).unwrap();
    assert!(!elsewhere.asked().is_empty());
    for asked in elsewhere.asked() {
        assert_eq!(asked.header("authorization"), None, "{}", asked.path);
    }
}

#[test]
fn a_redirect_loop_ends() {
    let server = Server::start(|asked| Answer::new(302, "").header("Location", asked.path.clone()));
    let error = pull(&name(&server)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Registry);
    assert!(error.to_string().contains("redirects"), "{error}");
    for location in ["", "ftp://x/", "http://user:pass@127.0.0.1/", "no-slash"] {
        let server = Server::start(move |_| Answer::new(302, "").header("Location", location));
        assert_eq!(
            pull(&name(&server)).unwrap_err().kind(),
            ErrorKind::Registry,
            "{location}"
        );
    }
}

#[test]
fn a_token_server_is_asked_once_and_gets_the_password_only_there() {
    let image = packed("a");
    let tokens = Server::start(|asked| {
        assert!(
            asked.path.contains("scope=repository%3Aa%3Apull"),
            "{}",
            asked.path
        );
        assert!(
            asked.path.contains("service=the%20service"),
            "{}",
            asked.path
        );
        match asked.header("authorization") {
            Some("Basic dXNlcjpzM2NyZXQtcGFzc3dvcmQ=") => Answer::new(200, r#"{"token":"t0ken"}"#),
            _ => Answer::new(401, ""),
        }
    });
    let realm = format!("http://{}/token", tokens.address);
    let challenge = format!(r#"Bearer realm="{realm}",service="the service""#);
    let server = Server::start(move |asked| match asked.header("authorization") {
        Some("Bearer t0ken") => honest(&image, asked),
        _ => Answer::new(401, "").header("WWW-Authenticate", challenge.clone()),
    });
    let mut with_password = options();
    with_password
        .credentials
        .insert(server.address.to_string(), password());
    pull_with(with_password, &name(&server)).unwrap();
    assert_eq!(tokens.asked().len(), 1);
    for asked in server.asked() {
        assert_ne!(
            asked.header("authorization").map(|text| &text[..5]),
            Some("Basic")
        );
    }
    let error = pull(&name(&server)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[test]
fn an_identity_token_is_exchanged() {
    let image = packed("a");
    let tokens = Server::start(|asked| {
        let form = String::from_utf8_lossy(&asked.body).into_owned();
        let right = asked.method == "POST"
            && form.contains("grant_type=refresh_token")
            && form.contains("refresh_token=identity%2Ftoken");
        Answer::new(if right { 200 } else { 401 }, r#"{"access_token":"t0ken"}"#)
    });
    let challenge = format!(r#"Bearer realm="http://{}/token""#, tokens.address);
    let server = Server::start(move |asked| match asked.header("authorization") {
        Some("Bearer t0ken") => honest(&image, asked),
        _ => Answer::new(401, "").header("WWW-Authenticate", challenge.clone()),
    });
    let mut options = options();
    let token = Credentials::IdentityToken("identity/token".to_owned());
    options
        .credentials
        .insert(server.address.to_string(), token);
    pull_with(options, &name(&server)).unwrap();
}

#[test]
fn a_registry_that_always_wants_another_login_is_given_up() {
    for challenge in [
        "Basic realm=x",
        "Bearer realm=\"ftp://x\"",
        "Bearer",
        "Strange",
        "",
    ] {
        let server =
            Server::start(move |_| Answer::new(401, "").header("WWW-Authenticate", challenge));
        let mut options = options();
        options
            .credentials
            .insert(server.address.to_string(), password());
        let error = pull_with(options, &name(&server)).unwrap_err();
        let known = [ErrorKind::Unauthorized, ErrorKind::Registry];
        assert!(known.contains(&error.kind()), "{challenge}: {error}");
        assert!(!format!("{error:?}").contains(SECRET));
        assert!(server.asked().len() <= 3, "{challenge}");
    }
}

#[test]
fn a_pause_that_the_registry_asks_for_is_kept() {
    let image = packed("a");
    let count = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&count);
    let server = Server::start(move |asked| {
        if counter.fetch_add(1, Ordering::Relaxed) == 0 {
            return Answer::new(429, "").header("Retry-After", "1");
        }
        honest(&image, asked)
    });
    let start = Instant::now();
    pull(&name(&server)).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_message_of_the_registry_is_shown_without_its_escape_sequences() {
    let body = r#"{"errors":[{"code":"DENIED","message":"\u001b[31mpay first\u0007"}]}"#;
    let server = Server::start(move |_| Answer::new(403, body));
    let error = pull(&name(&server)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let text = error.to_string();
    assert!(
        text.contains("DENIED") && text.contains("pay first"),
        "{text}"
    );
    assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text:?}");
}

#[test]
fn an_upload_sent_to_another_host_goes_without_credentials() {
    let elsewhere = Server::start(|_| Answer::new(201, "").header("Location", "/done"));
    let target = elsewhere.address;
    let server = Server::start(move |asked| {
        if asked.header("authorization").is_none() {
            return Answer::new(401, "").header("WWW-Authenticate", "Basic realm=\"x\"");
        }
        match asked.method.as_str() {
            "HEAD" => Answer::new(404, ""),
            "POST" => Answer::new(202, "")
                .header("Location", format!("http://{target}/upload?signature=abc")),
            _ => Answer::new(201, "").header("Location", "/done"),
        }
    });
    let (_folder, store) = store();
    store.write_image(&reference("a"), &packed("a")).unwrap();
    let mut options = options();
    options
        .credentials
        .insert(server.address.to_string(), password());
    let registry = Registry::new(options).unwrap();
    registry
        .push(&store, &reference("a"), &name(&server))
        .unwrap();
    assert!(!elsewhere.asked().is_empty());
    for asked in elsewhere.asked() {
        assert_eq!(asked.header("authorization"), None);
        assert!(asked.path.contains("signature=abc") && asked.path.contains("digest="));
    }
}

#[test]
fn a_registry_that_refuses_a_push_in_any_way_is_no_panic() {
    for status in [
        200, 201, 202, 204, 301, 400, 401, 403, 404, 405, 413, 416, 429, 500,
    ] {
        let server = Server::start(move |asked| match asked.method.as_str() {
            "HEAD" => Answer::new(404, ""),
            _ => Answer::new(status, "{\"errors\":[]}"),
        });
        let (_folder, store) = store();
        store.write_image(&reference("a"), &packed("a")).unwrap();
        let registry = Registry::new(options()).unwrap();
        assert!(
            registry
                .push(&store, &reference("a"), &name(&server))
                .is_err(),
            "{status}"
        );
    }
}

#[test]
fn a_registry_with_the_referrers_api_needs_no_tag() {
    let server = Server::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("HEAD", _) => Answer::new(200, ""),
        ("PUT", path) if path.contains("manifests/sha256:") => Answer::new(201, "")
            .header("Location", "/done")
            .header("OCI-Subject", "sha256:x"),
        ("GET", path) if path.contains("referrers/") => {
            Answer::new(200, r#"{"schemaVersion":2,"manifests":[]}"#)
        }
        _ => Answer::new(500, ""),
    });
    let registry = Registry::new(options()).unwrap();
    let subject = packed("a").descriptor().clone();
    let attachment = Attachment::new("a/b", "c/d", b"x".to_vec());
    registry
        .attach(&name(&server), &subject, &attachment)
        .unwrap();
    assert!(
        registry
            .referrers(&name(&server), &subject.digest)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn attachments_are_bounded_and_verified() {
    let layer = |size: u64, content: &[u8]| {
        format!(
            r#"{{"mediaType":"a/b","digest":"{}","size":{size}}}"#,
            Digest::of(content)
        )
    };
    for (layers, body) in [
        (layer(u64::MAX, b"x"), &b"x"[..]),
        (layer(17 << 20, b"x"), b"x"),
        (layer(1, b"x"), b"y"),
        (layer(1, b"x"), b"xx"),
    ] {
        let manifest_text = format!(
            r#"{{"schemaVersion":2,"config":{},"layers":[{layers}]}}"#,
            layer(2, b"{}")
        );
        let digest = Digest::of(manifest_text.as_bytes());
        let server = Server::start(move |asked| match asked.path.contains("blobs") {
            true => Answer::new(200, body),
            false => manifest(manifest_text.clone()),
        });
        let mut listed = packed("a").descriptor().clone();
        listed.digest = digest;
        let registry = Registry::new(options()).unwrap();
        assert!(
            registry.attachment(&name(&server), &listed).is_err(),
            "{layers}"
        );
    }
}
