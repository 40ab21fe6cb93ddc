//! What the policy files say of an image before it runs, rule by rule.

use std::path::Path;

use eunomia_image::{Digest, Signatures};
use eunomia_runtime::Permissions;

use super::file::{Access, NamedKey};
use super::{Names, PolicyFile, Rules, targets};

/// What is to run.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) origin: Origin,
    /// What a signature can be of: the manifest, and the index that lists it.
    pub(crate) digests: Vec<Digest>,
    /// Those of the store; none is verified yet.
    pub(crate) signatures: Signatures,
    /// Computed from the image.
    pub(crate) permissions: Permissions,
}

/// Where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Files of this machine, or an image that was built here.
    Local,
    /// An image that came from somewhere.
    Image {
        /// `registry/repository`, or only the latter.
        repository: String,
    },
}

/// What the policies say.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) findings: Vec<Finding>,
    /// Why the image needs no question to be asked.
    pub(crate) trust: Option<Trust>,
}

/// Why an image is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Signed by a key of a policy.
    Key(String),
    /// Its digest is in a policy.
    Digest,
    /// Made on this machine.
    Local,
}

/// What one rule says.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The policy file.
    pub(crate) policy: String,
    /// The rule.
    pub(crate) rule: &'static str,
    pub(crate) outcome: Outcome,
    /// What it was about, and why.
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Allowed,
    Denied,
}

impl Judgement {
    pub(crate) fn denials(&self) -> impl Iterator<Item = &Finding> {
        let denied = |finding: &&Finding| finding.outcome == Outcome::Denied;
        self.findings.iter().filter(denied)
    }
}

/// Asks all policy files; without any, all that is forbidden is pinning maps.
pub(crate) fn judge(files: &[PolicyFile], subject: &Subject) -> Judgement {
    let mut judgement = Judgement {
        findings: Vec::new(),
        trust: (subject.origin == Origin::Local).then_some(Trust::Local),
    };
    for file in files {
        let mut judge = Judge {
            file,
            subject,
            judgement: &mut judgement,
        };
        judge.access();
        judge.signatures();
        judge.permissions();
    }
    pinned_maps(files, subject, &mut judgement);
    judgement
}

struct Judge<'j> {
    file: &'j PolicyFile,
    subject: &'j Subject,
    judgement: &'j mut Judgement,
}

impl Judge<'_> {
    fn find(&mut self, rule: &'static str, outcome: Outcome, text: impl Into<String>) {
        self.judgement.findings.push(Finding {
            policy: shown(&self.file.path),
            rule,
            outcome,
            text: text.into(),
        });
    }

    fn access(&mut self) {
        let rules = &self.file.rules;
        let (rule, access, text) = match &self.subject.origin {
            Origin::Local => {
                let default = match rules.require_signatures {
                    true => Access::Deny,
                    false => Access::Allow,
                };
                let text = "files, and what was built on this machine".to_owned();
                ("local", rules.local.unwrap_or(default), text)
            }
            Origin::Image { repository } => match self.file.rule(&self.subject.origin) {
                Some(rule) => (
                    "repository",
                    rule.access.unwrap_or(Access::Allow),
                    format!("{repository} is named by `{}`", rule.name),
                ),
                None => (
                    "other-repositories",
                    rules.other_repositories.unwrap_or(Access::Allow),
                    format!("no rule names {repository}"),
                ),
            },
        };
        let outcome = match access {
            Access::Allow => Outcome::Allowed,
            Access::Deny => Outcome::Denied,
        };
        self.find(rule, outcome, text);
    }

    fn signatures(&mut self) {
        if self.subject.origin == Origin::Local {
            return;
        }
        let Rules {
            require_signatures,
            public_keys,
            ..
        } = &self.file.rules;
        let rule = self.file.rule(&self.subject.origin);
        let required = rule.and_then(|rule| rule.require_signatures);
        let required = required.unwrap_or(*require_signatures);
        let keys = rule
            .and_then(|rule| rule.public_keys.as_ref())
            .unwrap_or(public_keys);
        if let Some(digests) = rule.and_then(|rule| rule.digests.as_ref()) {
            let own = |digest: &Digest| digests.contains(&digest.to_string());
            if self.subject.digests.iter().any(own) {
                self.judgement.trust = Some(Trust::Digest);
                return self.find("digests", Outcome::Allowed, "its digest is listed");
            }
            if keys.is_empty() {
                let text = format!("its digest is none of the {} listed", digests.len());
                return self.find("digests", Outcome::Denied, text);
            }
            return self.keys(keys, true);
        }
        if required || !keys.is_empty() {
            self.keys(keys, required);
        }
    }

    fn keys(&mut self, keys: &[NamedKey], required: bool) {
        let Subject {
            signatures,
            digests,
            ..
        } = self.subject;
        if let Some((_, key)) = signatures.verify(keys.iter().map(|key| &key.key), digests) {
            let name = keys
                .iter()
                .find(|named| named.key == *key)
                .map(|named| named.name.clone())
                .unwrap_or_default();
            self.find("keys", Outcome::Allowed, format!("signed by {name}"));
            self.judgement.trust = Some(Trust::Key(name));
            return;
        }
        let text = match (keys.len(), signatures.found.len()) {
            (0, _) => "it must be signed, but the policy has no keys".to_owned(),
            (_, 0) => "it has no signature here".to_owned(),
            (keys, found) => {
                format!("none of its {found} signatures is by one of the {keys} keys")
            }
        };
        match required {
            true => self.find("require-signatures", Outcome::Denied, text),
            false => self.find(
                "keys",
                Outcome::Allowed,
                format!("{text}; none is required"),
            ),
        }
    }

    fn permissions(&mut self) {
        let rules = self.file.permissions(&self.subject.origin);
        let own = &self.subject.permissions;
        let targets = own.attach_targets.iter();
        let targets = targets
            .flat_map(|section| targets::of_section(section))
            .collect();
        let owned = |names: &std::collections::BTreeSet<String>| -> Vec<String> {
            names.iter().cloned().collect()
        };
        for (rule, names, asked) in [
            (
                "program-types",
                &rules.program_types,
                owned(&own.program_types),
            ),
            ("attach-targets", &rules.attach_targets, targets),
            ("helpers", &rules.helpers, owned(&own.helpers)),
            (
                "kernel-functions",
                &rules.kernel_functions,
                owned(&own.kernel_functions),
            ),
            ("imports", &rules.imports, owned(&own.imports)),
        ] {
            self.names(rule, names, &asked);
        }
    }

    fn names(&mut self, rule: &'static str, names: &Names, asked: &[String]) {
        let refused: Vec<(&String, String)> = asked
            .iter()
            .filter_map(|name| Some((name, names.refusal(name)?)))
            .collect();
        if refused.is_empty() && !asked.is_empty() {
            self.find(
                rule,
                Outcome::Allowed,
                format!("all {} that it has", asked.len()),
            );
        }
        for (name, why) in refused {
            self.find(rule, Outcome::Denied, format!("{name}: {why}"));
        }
    }
}

/// Pinned maps outlive the tool and are shared: one policy must allow them, and none forbid.
fn pinned_maps(files: &[PolicyFile], subject: &Subject, judgement: &mut Judgement) {
    for name in &subject.permissions.pinned_maps {
        let (outcome, why) = match pin_refusal(files, &subject.origin, name) {
            None => (Outcome::Allowed, "allowed".to_owned()),
            Some(why) => (Outcome::Denied, why),
        };
        judgement.findings.push(Finding {
            policy: "all policies".to_owned(),
            rule: "pinned-maps",
            outcome,
            text: format!("{name}: {why}"),
        });
    }
}

/// Why no map may be pinned as `name`; `None` when it may.
pub(super) fn pin_refusal(files: &[PolicyFile], origin: &Origin, name: &str) -> Option<String> {
    let mut rules = files
        .iter()
        .map(|file| &file.permissions(origin).pinned_maps);
    if let Some(refusal) = rules.clone().find_map(|names| names.refusal(name)) {
        return Some(refusal);
    }
    let granted = rules.any(|names| names.grants(name));
    (!granted).then(|| "no policy allows it by name".to_owned())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use eunomia_image::{PrivateKey, Signature};

    use super::*;
    use crate::policy::file::parse;

    fn file(text: &str) -> PolicyFile {
        PolicyFile {
            path: PathBuf::from("/policy.toml"),
            text: text.to_owned(),
            rules: parse(text).unwrap(),
        }
    }

    fn image(repository: &str) -> Subject {
        let mut permissions = Permissions::default();
        for (set, name) in [
            (&mut permissions.program_types, "kprobe"),
            (&mut permissions.attach_targets, "kprobe/tcp_connect"),
            (&mut permissions.helpers, "bpf_send_signal"),
            (&mut permissions.imports, "wasi:cli/stdout"),
        ] {
            set.insert(name.to_owned());
        }
        Subject {
            origin: Origin::Image {
                repository: repository.to_owned(),
            },
            digests: vec![Digest::of(b"manifest")],
            signatures: Signatures::default(),
            permissions,
        }
    }

    fn denied(files: &[PolicyFile], subject: &Subject) -> Vec<&'static str> {
        judge(files, subject)
            .denials()
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn each_rule_denies_what_it_names_and_nothing_else() {
        let subject = image("registry.example/tools/a");
        for (text, expected) in [
            ("", &[][..]),
            ("require-signatures = true", &["require-signatures"]),
            ("other-repositories = \"deny\"", &["other-repositories"]),
            (
                "other-repositories = \"deny\"\n[[repository]]\nname = \"registry.example/*\"",
                &[],
            ),
            (
                "[[repository]]\nname = \"*/tools/*\"\naccess = \"deny\"",
                &["repository"],
            ),
            (
                "[permissions]\nprogram-types.allow = [\"tracepoint\"]",
                &["program-types"],
            ),
            ("[permissions]\nprogram-types.allow = [\"k*\"]", &[]),
            (
                "[permissions]\nattach-targets.deny = [\"kprobe:tcp_*\"]",
                &["attach-targets"],
            ),
            (
                "[permissions]\nhelpers.deny = [\"bpf_send_signal*\"]",
                &["helpers"],
            ),
            ("[permissions]\nimports.deny = [\"wasi:*\"]", &["imports"]),
            (
                "[permissions]\nhelpers.deny = [\"*\"]\n[[repository]]\nname = \"*\"\n\
                 permissions = {}",
                &[],
            ),
        ] {
            assert_eq!(denied(&[file(text)], &subject), expected, "{text}");
        }
    }

    #[test]
    fn a_users_file_cannot_loosen_the_systems() {
        let subject = image("registry.example/tools/a");
        let system = file("require-signatures = true\n[permissions]\nhelpers.deny = [\"*\"]");
        let mut user = file("require-signatures = false\n[permissions]\nhelpers.allow = [\"*\"]");
        user.rules
            .set_keys(&[PrivateKey::generate().unwrap().public_key()]);
        assert_eq!(
            denied(&[system, user], &subject),
            ["require-signatures", "helpers"]
        );
    }

    #[test]
    fn a_signature_by_a_key_of_the_policy_is_trusted() {
        let key = PrivateKey::generate().unwrap();
        let mut subject = image("a");
        let signature = Signature::sign(&key, &Digest::of(b"manifest")).unwrap();
        subject.signatures.found.push(signature);
        let mut policy = file("require-signatures = true");
        assert_eq!(
            denied(std::slice::from_ref(&policy), &subject),
            ["require-signatures"]
        );
        policy.rules.set_keys(&[key.public_key()]);
        let judgement = judge(std::slice::from_ref(&policy), &subject);
        assert_eq!(judgement.denials().count(), 0);
        assert_eq!(judgement.trust, Some(Trust::Key("test".into())));
        subject.digests = vec![Digest::of(b"another")];
        assert_eq!(denied(&[policy], &subject), ["require-signatures"]);
    }

    #[test]
    fn digests_that_are_listed_are_trusted_and_others_are_not() {
        let digest = Digest::of(b"manifest");
        let rule = |digest| format!("[[repository]]\nname = \"*\"\ndigests = [\"{digest}\"]");
        let judgement = judge(&[file(&rule(digest))], &image("a"));
        assert_eq!(judgement.trust, Some(Trust::Digest));
        assert_eq!(
            denied(&[file(&rule(Digest::of(b"x")))], &image("a")),
            ["digests"]
        );
    }

    #[test]
    fn local_tools_are_denied_where_signatures_are_required() {
        let mut subject = image("a");
        subject.origin = Origin::Local;
        assert_eq!(judge(&[], &subject).trust, Some(Trust::Local));
        assert_eq!(
            denied(&[file("require-signatures = true")], &subject),
            ["local"]
        );
        let both = file("require-signatures = true\nlocal = \"allow\"");
        assert!(denied(&[both], &subject).is_empty());
    }

    #[test]
    fn maps_are_pinned_only_where_a_policy_allows_it_by_name() {
        let mut subject = image("a");
        subject.permissions.pinned_maps.insert("shared".to_owned());
        assert_eq!(denied(&[], &subject), ["pinned-maps"]);
        let allow = "[permissions]\npinned-maps.allow = [\"sh*\"]";
        assert!(denied(&[file(allow)], &subject).is_empty());
        let deny = "[permissions]\npinned-maps.deny = [\"shared\"]";
        assert_eq!(
            denied(&[file(allow), file(deny)], &subject),
            ["pinned-maps"]
        );
    }
}
