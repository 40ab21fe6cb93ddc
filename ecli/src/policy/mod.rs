//! What may run: the operator's policy files, and what they say of an image.
//!
//! Each file decides for itself and all must agree, so that the user's file can forbid more than
//! the system's, and never less. What they say holds twice: before a guest starts, for what was
//! computed from its image ([`judge`]), and while it runs, for what it asks the host for
//! ([`enforce`]).

mod enforce;
pub(crate) mod file;
mod judge;
mod pattern;
mod targets;

pub(crate) use enforce::Enforced;
pub(crate) use file::{PolicyFile, load, paths};
pub(crate) use judge::{Judgement, Origin, Outcome, Subject, Trust, judge};

use file::{LimitRules, Names, PermissionRules, Repository, Rules};

impl PolicyFile {
    /// The rule for the repository of the image, if one names it.
    fn rule(&self, origin: &Origin) -> Option<&Repository> {
        let Origin::Image { repository, .. } = origin else {
            return None;
        };
        let mut rules = self.rules.repository.iter();
        rules.find(|rule| rule.name.matches(repository))
    }

    /// What the image may do.
    pub(crate) fn permissions(&self, origin: &Origin) -> &PermissionRules {
        let own = self.rule(origin).and_then(|rule| rule.permissions.as_ref());
        own.unwrap_or(&self.rules.permissions)
    }

    /// What it may use.
    pub(crate) fn limits(&self, origin: &Origin) -> &LimitRules {
        let own = self.rule(origin).and_then(|rule| rule.limits.as_ref());
        own.unwrap_or(&self.rules.limits)
    }
}

impl Names {
    /// Why `name` is not allowed; `None` when it is.
    fn refusal(&self, name: &str) -> Option<String> {
        if let Some(pattern) = self.deny.iter().find(|pattern| pattern.overlaps(name)) {
            return Some(format!("`{pattern}` is denied"));
        }
        match &self.allow {
            Some(allowed) if !allowed.iter().any(|pattern| pattern.matches(name)) => {
                Some("it is not among what is allowed".to_owned())
            }
            _ => None,
        }
    }

    /// Whether `name` is allowed by name, and not only by silence.
    fn grants(&self, name: &str) -> bool {
        self.allow.is_some() && self.refusal(name).is_none()
    }
}
