//! What the policy files say of what a guest asks for while it runs.

use std::sync::Arc;

use eunomia_runtime::kernel::{MapInfo, ProgramInfo};
use eunomia_runtime::policy::{OwnObjects, Policy};
use eunomia_runtime::target::Target;
use eunomia_runtime::{HostError, HostErrorKind};

use super::judge::pin_refusal;
use super::{Names, Origin, PermissionRules, PolicyFile, targets};

/// The policy files as the host asks them.
#[derive(Clone, Debug)]
pub(crate) struct Enforced {
    files: Arc<[PolicyFile]>,
    origin: Origin,
}

impl Enforced {
    pub(crate) fn new(files: &[PolicyFile], origin: &Origin) -> Self {
        Self {
            files: files.into(),
            origin: origin.clone(),
        }
    }

    fn rules(&self) -> impl Iterator<Item = &PermissionRules> {
        self.files.iter().map(|file| file.permissions(&self.origin))
    }

    /// Refuses what one of the files does not allow.
    fn check(
        &self,
        doing: &str,
        name: &str,
        names: impl Fn(&PermissionRules) -> &Names,
    ) -> Result<(), HostError> {
        match self.rules().find_map(|rules| names(rules).refusal(name)) {
            None => Ok(()),
            Some(why) => Err(denied(format!("{doing}: {name}: {why}"))),
        }
    }

    fn check_flag(
        &self,
        doing: &str,
        flag: impl Fn(&PermissionRules) -> Option<bool>,
    ) -> Result<(), HostError> {
        match self.rules().all(|rules| flag(rules).unwrap_or(true)) {
            true => Ok(()),
            false => Err(denied(format!("{doing}: the policy does not allow it"))),
        }
    }
}

impl Policy for Enforced {
    fn load(
        &self,
        object: &str,
        programs: &[ProgramInfo],
        maps: &[MapInfo],
    ) -> Result<(), HostError> {
        let doing = format!("load object `{object}`");
        for program in programs.iter().filter(|program| program.autoload) {
            self.check(&doing, &program.type_name, |rules| &rules.program_types)?;
        }
        let mut pinned = maps.iter().filter_map(|map| map.pin_name.as_deref());
        pinned.try_for_each(|name| self.pin_map(name))
    }

    fn attach(&self, program: &ProgramInfo, target: Option<&Target>) -> Result<(), HostError> {
        let doing = format!("attach program `{}`", program.name);
        let targets = match target {
            None => targets::of_section(&program.section),
            // What it was loaded for: a section's, or what was set before load.
            Some(Target::Trace { function: None, .. }) => {
                vec![format!("trace:{}", program.attach_target)]
            }
            Some(target) => targets::of_target(target),
        };
        targets
            .iter()
            .try_for_each(|target| self.check(&doing, target, |rules| &rules.attach_targets))
    }

    fn pin_map(&self, name: &str) -> Result<(), HostError> {
        match pin_refusal(&self.files, &self.origin, name) {
            None => Ok(()),
            Some(why) => Err(denied(format!("pin a map as `{name}`: {why}"))),
        }
    }

    fn resolve_symbols(&self) -> Result<(), HostError> {
        self.check_flag("look up kernel symbols", |rules| rules.kernel_symbols)
    }

    fn test_run(&self, program: &ProgramInfo, flags: u32) -> Result<(), HostError> {
        let doing = format!("run program `{}`", program.name);
        self.check_flag(&doing, |rules| rules.test_runs)?;
        OwnObjects.test_run(program, flags)
    }
}

fn denied(message: String) -> HostError {
    HostError::new(HostErrorKind::DeniedByPolicy, message)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::policy::file::parse;

    fn enforced(text: &str) -> Enforced {
        let file = PolicyFile {
            path: PathBuf::from("/policy.toml"),
            text: text.to_owned(),
            rules: parse(text).unwrap(),
        };
        Enforced::new(&[file], &Origin::Local)
    }

    fn program(section: &str, type_name: &str) -> ProgramInfo {
        ProgramInfo {
            name: "p".into(),
            section: section.into(),
            type_name: type_name.into(),
            autoload: true,
            ..ProgramInfo::default()
        }
    }

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[test]
    fn a_target_that_the_guest_chooses_is_bound_like_a_section() {
        let policy = enforced("[permissions]\nattach-targets.allow = [\"kprobe:tcp_*\"]");
        let program = program("kprobe/tcp_connect", "kprobe");
        assert!(policy.attach(&program, None).is_ok());
        assert!(
            policy
                .attach(&program, Some(&target("kprobe:tcp_close+4")))
                .is_ok()
        );
        for refused in [
            "kprobe:commit_creds",
            "kprobe_multi:tcp_close,commit_creds",
            "kprobe_multi:*",
            "uprobe:/bin/bash:readline",
        ] {
            let error = policy.attach(&program, Some(&target(refused))).unwrap_err();
            assert_eq!(error.kind(), HostErrorKind::DeniedByPolicy, "{refused}");
        }
    }

    #[test]
    fn a_denied_function_is_not_reached_by_a_pattern() {
        let policy = enforced("[permissions]\nattach-targets.deny = [\"kprobe:commit_creds\"]");
        let program = program("kprobe.multi", "kprobe");
        assert!(
            policy
                .attach(&program, Some(&target("kprobe_multi:tcp_*")))
                .is_ok()
        );
        for refused in [
            "kprobe_multi:commit_*",
            "kprobe_multi:*",
            "kprobe:commit_creds+1",
        ] {
            assert!(
                policy.attach(&program, Some(&target(refused))).is_err(),
                "{refused}"
            );
        }
    }

    #[test]
    fn programs_that_are_not_loaded_do_not_count() {
        let policy = enforced("[permissions]\nprogram-types.deny = [\"xdp\"]");
        let mut programs = [program("xdp", "xdp")];
        assert!(policy.load("o", &programs, &[]).is_err());
        programs[0].autoload = false;
        assert!(policy.load("o", &programs, &[]).is_ok());
    }

    #[test]
    fn pinned_maps_need_a_policy_that_allows_them() {
        let maps = [MapInfo {
            pin_name: Some("shared".into()),
            ..MapInfo::default()
        }];
        assert!(enforced("").load("o", &[], &maps).is_err());
        let policy = enforced("[permissions]\npinned-maps.allow = [\"shared\"]");
        assert!(policy.load("o", &[], &maps).is_ok());
        assert!(policy.pin_map("another").is_err());
    }

    #[test]
    fn flags_say_no_only_when_they_are_set() {
        assert!(enforced("").resolve_symbols().is_ok());
        assert!(
            enforced("[permissions]\nkernel-symbols = false")
                .resolve_symbols()
                .is_err()
        );
        let program = program("xdp", "xdp");
        assert!(enforced("").test_run(&program, 0).is_ok());
        assert!(enforced("").test_run(&program, 2).is_err());
        assert!(
            enforced("[permissions]\ntest-runs = false")
                .test_run(&program, 0)
                .is_err()
        );
    }
}
