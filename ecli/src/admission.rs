//! Whether a tool may run: the policy, what its image states, and where neither decides, the user.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use eunomia_image::{Digest, Layout, Signatures};
use eunomia_runtime::{Permissions, Sandbox, Tool};

use crate::consent::{self, Known};
use crate::context::Context;
use crate::failure::hinted;
use crate::permissions;
use crate::policy::{self, Enforced, Judgement, Origin, PolicyFile, Subject, judge};
use crate::terminal::visible;
use crate::tool_source::{Found, FoundImage, Provenance};

/// Bytes of an answer that is read from the terminal.
const ANSWER_BYTES_MAX: u64 = 256;

/// What is known of a tool before it is decided.
#[derive(Debug)]
pub(crate) struct Candidate {
    shown: String,
    /// `None` for files.
    digest: Option<Digest>,
    stated: Option<eunomia_image::Permissions>,
    origin: Origin,
    digests: Vec<Digest>,
    signatures: Signatures,
}

/// A tool that may run, and how.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) policy: Arc<Enforced>,
    files: Vec<PolicyFile>,
    origin: Origin,
}

impl Candidate {
    /// Looks at a tool that was found.
    pub(crate) fn new(ctx: &Context, found: &Found) -> Result<Self> {
        let mut candidate = Self {
            shown: visible(&found.shown),
            digest: None,
            stated: None,
            origin: Origin::Local,
            digests: Vec::new(),
            signatures: Signatures::default(),
        };
        let FoundImage::Image(image) = &found.image else {
            if let Provenance::Address = found.provenance {
                let repository = found.shown.clone();
                candidate.origin = Origin::Image { repository };
            }
            return Ok(candidate);
        };
        let store = ctx.store()?;
        candidate.digest = Some(image.digest);
        candidate.stated = image.metadata.permissions.clone();
        (candidate.digests, candidate.signatures) = match &found.provenance {
            Provenance::Store(reference) => {
                let digests = store.signed_digests(reference, &image.digest)?;
                let signatures = Signatures::of(&digests, |digest| store.signatures(digest))?;
                (digests, signatures)
            }
            Provenance::Layout { folder, name } => {
                let layout = Layout::open(folder)?;
                let digests = layout.signed_digests(name.as_deref(), &image.digest)?;
                let signatures = Signatures::of(&digests, |digest| layout.signatures(digest))?;
                (digests, signatures)
            }
            Provenance::Path | Provenance::Address => {
                (vec![image.digest], store.signatures(&image.digest)?)
            }
        };
        if !consent::is_known(&store, &image.digest, Known::Built) {
            let repository = match &found.provenance {
                Provenance::Store(reference) => match reference.registry() {
                    Some(registry) => format!("{registry}/{}", reference.repository()),
                    None => reference.repository().to_owned(),
                },
                Provenance::Layout { .. } | Provenance::Path | Provenance::Address => {
                    found.shown.clone()
                }
            };
            candidate.origin = Origin::Image { repository };
        }
        Ok(candidate)
    }

    /// Asks the policy files.
    pub(crate) fn judge(&self, files: &[PolicyFile], permissions: Permissions) -> Judgement {
        let subject = Subject {
            origin: self.origin.clone(),
            digests: self.digests.clone(),
            signatures: self.signatures.clone(),
            permissions,
        };
        judge(files, &subject)
    }

    /// Whether somebody said yes to this image before.
    pub(crate) fn is_accepted(&self, ctx: &Context) -> Result<bool> {
        let store = ctx.store()?;
        let accepted = |digest| consent::is_known(&store, digest, Known::Accepted);
        Ok(self.digest.as_ref().is_some_and(accepted))
    }

    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn digest(&self) -> Option<Digest> {
        self.digest
    }

    pub(crate) fn stated(&self) -> Option<&eunomia_image::Permissions> {
        self.stated.as_ref()
    }

    pub(crate) fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// Decides, asking the user where the policy leaves it open; `yes` is an answer given before.
    ///
    /// # Errors
    /// Why the tool may not run.
    pub(crate) fn admit(&self, ctx: &Context, tool: &Tool, yes: bool) -> Result<Admitted> {
        let files = policy::load()?;
        let admitted = Admitted {
            policy: Arc::new(Enforced::new(&files, &self.origin)),
            origin: self.origin.clone(),
            files: files.clone(),
        };
        // One's own files without a policy: nobody asks what they can do, and the guest is to be
        // told what is wrong with an object.
        let is_own = self.digest.is_none() && matches!(self.origin, Origin::Local);
        if is_own && files.is_empty() {
            return Ok(admitted);
        }
        let permissions = Permissions::of(tool)?;
        permissions::check_stated(&self.shown, self.stated.as_ref(), &permissions)?;
        let judgement = self.judge(&files, permissions.clone());
        self.refuse_denied(&judgement)?;
        if judgement.trust.is_none() && !self.is_accepted(ctx)? {
            if !yes {
                self.ask(&permissions)?;
            }
            self.accept(ctx)?;
        }
        Ok(admitted)
    }

    fn refuse_denied(&self, judgement: &Judgement) -> Result<()> {
        let denials: Vec<String> = judgement
            .denials()
            .map(|finding| {
                format!(
                    "{}: {}: {}",
                    finding.policy,
                    finding.rule,
                    visible(&finding.text)
                )
            })
            .collect();
        if denials.is_empty() {
            return Ok(());
        }
        let error = anyhow!(
            "run {}: denied by policy: {}",
            self.shown,
            denials.join("; ")
        );
        Err(hinted(
            error,
            format!("`ecli policy check {}` explains it", self.shown),
        ))
    }

    /// Shows what the tool asks for, on the terminal, and waits for yes or no.
    fn ask(&self, permissions: &Permissions) -> Result<()> {
        let notice = self.notice(permissions);
        let refused = |error: anyhow::Error| {
            hinted(
                error,
                format!(
                    "`ecli inspect {0}` shows what is in it; --yes or ECLI_YES=1 runs it all the \
                     same",
                    self.shown
                ),
            )
        };
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
        let terminal = terminal.ok().filter(|_| std::io::stderr().is_terminal());
        let Some(mut terminal) = terminal else {
            let reason = "it is not trusted yet, and there is no terminal to ask on";
            return Err(refused(anyhow!("run {}: {reason}", self.shown)));
        };
        terminal
            .write_all(format!("{notice}Run it? [y/N] ").as_bytes())
            .context("ask on the terminal")?;
        let mut answer = String::new();
        let limited = std::io::Read::take(&terminal, ANSWER_BYTES_MAX);
        BufReader::new(limited)
            .read_line(&mut answer)
            .context("read the answer")?;
        match &*answer.trim().to_lowercase() {
            "y" | "yes" => Ok(()),
            _ => Err(refused(anyhow!("run {}: it was not wanted", self.shown))),
        }
    }

    fn notice(&self, permissions: &Permissions) -> String {
        let mut notice = String::new();
        let signed = match self.signatures.found.len() {
            0 => "is not signed".to_owned(),
            count => format!("has {count} signatures, none by a key that a policy trusts"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(notice, "{} {signed}. It asks for:", self.shown);
        for line in permissions::described(permissions) {
            let _ = writeln!(notice, "  {line}");
        }
        if let Some(digest) = &self.digest {
            let _ = writeln!(notice, "  {:<12} {digest}", "digest");
        }
        notice
    }

    /// Remembers the answer.
    fn accept(&self, ctx: &Context) -> Result<()> {
        if let Some(digest) = &self.digest {
            consent::remember_or_warn(&ctx.store()?, digest, Known::Accepted);
        }
        Ok(())
    }
}

impl Admitted {
    /// Lowers the limits to those of the policies; `wanted` is memory that the user asked for.
    ///
    /// # Errors
    /// The user asked for more than a policy allows.
    pub(crate) fn limit(&self, sandbox: &mut Sandbox, wanted: Option<u64>) -> Result<()> {
        for file in &self.files {
            let limits = file.limits(&self.origin);
            if let Some(most) = limits.memory_bytes()? {
                if wanted.is_some_and(|wanted| wanted > most) {
                    bail!(
                        "--memory: {} allows {}",
                        file.path.display(),
                        limits.memory.as_deref().unwrap_or_default()
                    );
                }
                sandbox.memory_bytes_max = sandbox.memory_bytes_max.min(usize::try_from(most)?);
            }
            if let Some(most) = limits.cpu_time()? {
                let own = sandbox.cpu_total_max.unwrap_or(most);
                sandbox.cpu_total_max = Some(own.min(most));
            }
        }
        Ok(())
    }
}
