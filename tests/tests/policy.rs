//! Policy files on the real kernel, with guests that ask for more: each is refused with the reason,
//! before it runs or while it does.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use eunomia_tests::{build, ecli, is_root, kernel_objects, wait_until};
use tempfile::TempDir;

/// What a user sees of a run under a policy.
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs `ecli run ARGUMENTS` with `policy` as the user's only policy file.
fn run(policy: &str, arguments: &[&str]) -> Result<Outcome> {
    let folder = configuration(policy)?;
    let output = ecli()?
        .env("XDG_CONFIG_HOME", folder.path())
        .arg("run")
        .args(arguments)
        .output()?;
    Ok(Outcome {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn configuration(policy: &str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("ecli"))?;
    std::fs::write(folder.path().join("ecli/policy.toml"), policy)?;
    Ok(folder)
}

impl Outcome {
    fn check_refused(&self, reason: &str) -> Result<()> {
        let Self { stdout, stderr, .. } = self;
        ensure!(self.code == Some(1), "{:?}: {stdout}{stderr}", self.code);
        ensure!(
            stderr.contains(reason),
            "no {reason:?} in: {stdout}{stderr}"
        );
        Ok(())
    }
}

/// Programs and links of the guest `attach`.
const NAMES: [&str; 7] = [
    "anywhere", "choose", "left_out", "on_call", "on_exec", "pass", "pass_too",
];

/// What the kernel has of the guest `attach`, whoever runs it.
fn left() -> Result<Vec<String>> {
    let mut objects = kernel_objects()?;
    objects.retain(|object| {
        let name = object.rsplit(' ').next().unwrap_or_default();
        NAMES.contains(&name.trim_matches('"'))
    });
    Ok(objects)
}

/// Runs that a policy forbids are refused with the reason, and leave nothing in the kernel; without
/// the policy the same run succeeds.
fn refused(arguments: &[&str], cases: &[(&str, &str)]) -> Result<()> {
    // They look at what the whole machine has.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = left()?;
    for (policy, reason) in cases {
        run(policy, arguments)?.check_refused(reason)?;
        // The kernel frees some of it a little later, perhaps also of what was there before.
        wait_until(policy, Duration::from_secs(10), || {
            Ok(left()?.iter().all(|object| before.contains(object)))
        })?;
    }
    let allowed = run("", arguments)?;
    ensure!(allowed.code == Some(0), "{}", allowed.stderr);
    Ok(())
}

#[test]
fn a_tool_that_does_what_is_forbidden_does_not_start() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("tests/guests/attach")?;
    refused(
        &["attach"],
        &[
            (
                "[permissions]\nhelpers.deny = [\"bpf_get_current_*\"]",
                "denied by policy: ",
            ),
            (
                "[permissions]\nhelpers.deny = [\"bpf_get_current_*\"]",
                "helpers: bpf_get_current_pid_tgid: `bpf_get_current_*`",
            ),
            (
                "[permissions]\nprogram-types.deny = [\"xdp\"]",
                "program-types: xdp",
            ),
            (
                "[permissions]\nattach-targets.deny = [\"tracepoint:sched:sched_process_exec\"]",
                "attach-targets: tracepoint:sched:sched_process_exec",
            ),
            (
                "[permissions]\nimports.deny = [\"wasi:cli/environment*\"]",
                "imports: wasi:cli/environment",
            ),
            ("local = \"deny\"", "local: files, and what was built"),
        ],
    )
}

#[test]
fn a_guest_that_asks_for_more_while_it_runs_is_refused() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("tests/guests/attach")?;
    // It attaches there by its own code, which no section shows.
    refused(
        &["attach"],
        &[
            (
                "[permissions]\nattach-targets.deny = [\"tracepoint:sched:sched_process_fork\"]",
                "attach program `anywhere`: tracepoint:sched:sched_process_fork",
            ),
            (
                "[permissions]\nattach-targets.deny = [\"xdp:*\"]",
                "attach program `pass`: xdp:lo: ",
            ),
            (
                "[permissions]\ntest-runs = false",
                "run program `choose`: the policy does not allow it",
            ),
        ],
    )
}

#[test]
fn an_operator_cannot_attach_where_the_policy_forbids() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("tests/guests/attach")?;
    refused(
        &[
            "--attach",
            "anywhere=tracepoint:sched:sched_process_exit",
            "attach",
            "given",
        ],
        &[(
            "[permissions]\nattach-targets.deny = [\"tracepoint:sched:sched_process_exit\"]",
            "attach program `anywhere`: tracepoint:sched:sched_process_exit",
        )],
    )
}

#[test]
fn a_guest_that_takes_more_than_a_policy_allows_is_ended() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("tests/guests/hostile")?;
    for (guest, policy, reason) in [
        ("allocate", "[limits]\nmemory = \"8MiB\"", "8 MiB"),
        ("busy-calls", "[limits]\ncpu-time = \"1s\"", "CPU time"),
    ] {
        run(policy, &["hostile", guest])?.check_refused(reason)?;
    }
    Ok(())
}

/// A map that is pinned outlives the tool and is shared: no policy, no pin.
const PINNED: &str = r#"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ecli_test_shared SEC(".maps");

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&ecli_test_shared, &zero) != 0;
}
"#;

#[test]
fn a_map_is_pinned_only_where_a_policy_allows_it_by_name() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let project = folder.path().join("pinned");
    std::fs::create_dir(&project)?;
    std::fs::write(project.join("ecli.toml"), "")?;
    std::fs::write(project.join("pinned.bpf.c"), PINNED)?;
    let project = project.to_string_lossy();
    let run = |policy: &str| run(policy, &["--timeout", "1s", &project]);
    let pin = Path::new("/sys/fs/bpf/ecli/ecli_test_shared");
    for policy in [
        "",
        "[permissions]\npinned-maps.allow = [\"another\"]",
        "[permissions]\npinned-maps.allow = [\"*\"]\npinned-maps.deny = [\"ecli_test_*\"]",
    ] {
        run(policy)?.check_refused("pinned-maps: ecli_test_shared")?;
        ensure!(!pin.exists(), "{policy}: it is pinned");
    }
    let allowed = run("[permissions]\npinned-maps.allow = [\"ecli_test_shared\"]")?;
    let listed = ecli()?.arg("pins").output()?.stdout;
    let unpinned = ecli()?.arg("unpin").arg(pin).output()?;
    ensure!(allowed.code == Some(0), "{}", allowed.stderr);
    let said = String::from_utf8_lossy(&unpinned.stderr);
    ensure!(unpinned.status.success() && !pin.exists(), "{said}");
    let listed = String::from_utf8_lossy(&listed);
    ensure!(listed.contains("ecli_test_shared"), "{listed}");
    Ok(())
}
