//! `wasm_attach_bpf_program`, `wasm_attach_bpf_program_fd`.

use super::{View, unknown};
use crate::error::{Error, ErrorKind, Result};
use crate::host::link;
use crate::host::program::find_info;
use crate::target::{Position, Target, XdpMode};

/// Where a guest wants a program attached.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// Where its section says.
    Section,
    /// A cgroup for `sockops`, an interface for `xdp`; nothing to other programs.
    Named(&'a str),
    /// A cgroup for `sockops`, as a folder that the guest has open; nothing to other programs.
    Folder(i32),
}

impl View<'_> {
    /// Attach a program, until its object is closed.
    pub(super) fn attach(&mut self, handle: u64, program: &str, place: Place<'_>) -> Result<()> {
        let object = self.guest.object(handle)?.object.clone();
        let info = find_info(&object, program)?;
        let overridden = self.ctx.overrides.targets.contains_key(program);
        let target = match overridden {
            true => None,
            false => target(&info.section, place)?,
        };
        let link = link::attach(self.ctx, &object, program, target.as_ref())?;
        let object = self.guest.objects.get_mut(&handle);
        object.ok_or_else(|| unknown("object"))?.links.push(link);
        Ok(())
    }
}

fn target(section: &str, place: Place<'_>) -> Result<Option<Target>> {
    // `xdp.frags`, `xdp/cpumap`.
    let kind = section.split(['/', '.']).next().unwrap_or_default();
    Ok(match (kind, place) {
        (_, Place::Section | Place::Named("")) => None,
        ("sockops", Place::Named(path)) => Some(Target::Cgroup {
            path: path.to_owned(),
            position: Position::Anywhere,
            pre_order: false,
        }),
        ("xdp", Place::Named(interface)) => Some(Target::Xdp {
            network_interface: interface.to_owned(),
            mode: XdpMode::Default,
        }),
        ("sockops", Place::Folder(fd)) => {
            const EBADF: i32 = 9;
            return Err(Error::from_errno(
                EBADF,
                format!(
                    "attach to the cgroup of descriptor {fd}: the guest has no folders; say where \
                     with `--attach PROGRAM=cgroup:PATH`"
                ),
            )
            .with_kind(ErrorKind::NotSupported));
        }
        (_, Place::Named(_) | Place::Folder(_)) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(section: &str, place: Place<'_>) -> Option<String> {
        target(section, place)
            .unwrap()
            .map(|target| target.to_string())
    }

    #[test]
    fn only_some_sections_take_a_target() {
        let named = Place::Named;
        let cgroup = named("/sys/fs/cgroup/web");
        assert_eq!(
            text("sockops", cgroup).unwrap(),
            "cgroup:/sys/fs/cgroup/web"
        );
        assert_eq!(text("xdp", named("eth0")).unwrap(), "xdp:eth0");
        assert_eq!(text("xdp.frags", named("eth0")).unwrap(), "xdp:eth0");
        assert_eq!(text("tp/sched/sched_switch", named("eth0")), None);
        assert_eq!(text("kprobe/sockops", Place::Folder(3)), None);
        for section in ["sockops", "xdp", "kprobe/do_exit"] {
            assert_eq!(text(section, named("")), None);
            assert_eq!(text(section, Place::Section), None);
        }
        let error = target("sockops", Place::Folder(3)).unwrap_err();
        assert_eq!(error.errno(), 9);
    }
}
