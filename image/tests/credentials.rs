//! Docker's credential file and helpers.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use eunomia_image::ErrorKind;
use eunomia_image::registry::{CredentialFile, Credentials};
use tempfile::TempDir;

fn password(username: &str, password: &str) -> Option<Credentials> {
    let (username, password) = (username.to_owned(), password.to_owned());
    Some(Credentials::Password { username, password })
}

fn file(content: &str) -> (TempDir, CredentialFile) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, content).unwrap();
    (folder, CredentialFile::at(path))
}

/// A helper that keeps what it was given in a file beside it.
fn install_helper(folder: &Path) {
    let script = format!(
        r#"#!/bin/sh
read -r input
case "$1" in
    store) printf '%s' "$input" >"{0}/kept" ;;
    erase) rm -f "{0}/kept" ;;
    get)
        case "$input" in
            token.example) printf '{{"Username":"<token>","Secret":"identity"}}' ;;
            broken.example) printf 'secret that is no JSON' ;;
            failing.example) printf 'secret in a failure' && exit 1 ;;
            *) if [ -f "{0}/kept" ]; then cat "{0}/kept"; else
                   echo 'credentials not found in native keychain' && exit 1; fi ;;
        esac ;;
esac
"#,
        folder.display()
    );
    let path = folder.join("docker-credential-test");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn entries_of_every_form_are_found() {
    let (_folder, file) = file(
        r#"{"auths":{
            "plain.example:5000":{"auth":"dXNlcjpwYTpzcw=="},
            "https://url.example/v1/":{"auth":"dXNlcjpwYXNz"},
            "identity.example":{"auth":"dTpw","identitytoken":"identity"},
            "bearer.example":{"registrytoken":"bearer"},
            "empty.example":{}
        }}"#,
    );
    let find = |registry: &str| file.find(registry).unwrap();
    // The password may hold a colon.
    assert_eq!(find("plain.example:5000"), password("user", "pa:ss"));
    assert_eq!(find("url.example"), password("user", "pass"));
    assert_eq!(
        find("identity.example"),
        Some(Credentials::IdentityToken("identity".into()))
    );
    assert_eq!(
        find("bearer.example"),
        Some(Credentials::BearerToken("bearer".into()))
    );
    assert_eq!(find("empty.example"), None);
    assert_eq!(find("plain.example"), None);
}

#[test]
fn a_missing_file_holds_nothing_and_a_malformed_one_is_named_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let missing = CredentialFile::at(folder.path().join("none/config.json"));
    assert_eq!(missing.find("a.example").unwrap(), None);
    for content in [
        "",
        "[]",
        "{",
        r#"{"auths":{"a.example":{"auth":"c2VjcmV0"}}}"#,
        r#"{"auths":{"a.example":{"auth":"secret!"}}}"#,
    ] {
        let (_folder, file) = file(content);
        let error = file.find("a.example").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{content}");
        let text = format!("{error:?}");
        assert!(text.contains("config.json"), "{text}");
        assert!(
            !text.contains("secret") && !text.contains("c2VjcmV0"),
            "{text}"
        );
    }
}

#[test]
fn storing_keeps_what_others_wrote_and_shows_it_to_nobody() {
    let (folder, file) = file(r#"{"auths":{"a.example":{"auth":"dTpw"}},"other":{"x":[1]}}"#);
    file.store("b.example", "user", "pass").unwrap();
    assert_eq!(file.find("a.example").unwrap(), password("u", "p"));
    assert_eq!(file.find("b.example").unwrap(), password("user", "pass"));
    let path = folder.path().join("config.json");
    assert!(fs::read_to_string(&path).unwrap().contains("\"other\""));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(file.remove("b.example").unwrap());
    assert_eq!(file.find("b.example").unwrap(), None);
    assert_eq!(file.find("a.example").unwrap(), password("u", "p"));
}

#[test]
fn helpers_are_asked() {
    let helpers = tempfile::tempdir().unwrap();
    install_helper(helpers.path());
    let (_folder, file) = file(
        r#"{"credsStore":"test","auths":{"own.example":{"auth":"dTpw"}},
            "credHelpers":{"bad.example":"../../bin/sh","gone.example":"does-not-exist"}}"#,
    );
    let file = file.with_helpers_in(helpers.path());
    assert_eq!(file.find("a.example").unwrap(), None);
    // What the helper does not know may be in the file.
    assert_eq!(file.find("own.example").unwrap(), password("u", "p"));
    file.store("a.example", "user", "pass \"quoted\"").unwrap();
    assert_eq!(
        file.find("a.example").unwrap(),
        password("user", "pass \"quoted\"")
    );
    assert!(file.remove("a.example").unwrap());
    assert_eq!(file.find("a.example").unwrap(), None);
    let token = file.find("token.example").unwrap();
    assert_eq!(token, Some(Credentials::IdentityToken("identity".into())));

    for registry in [
        "broken.example",
        "failing.example",
        "bad.example",
        "gone.example",
    ] {
        let error = file.find(registry).unwrap_err();
        let text = format!("{error:?}");
        assert!(text.contains("find credentials for"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}
