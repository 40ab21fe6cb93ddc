//! The example tools on the real kernel, as a user runs them: nothing lost, nothing doubled,
//! nothing left behind.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use eunomia_tests::{Ended, Running, build, ecli, is_root, kernel_objects, wait_until};
use serde_json::Value;

/// These tests look at what the whole machine does: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many BPF links a process holds, as the kernel tells of its descriptors.
fn links_of(process: u32) -> Result<usize> {
    let mut links = 0;
    for entry in std::fs::read_dir(format!("/proc/{process}/fdinfo"))? {
        // A descriptor may be closed meanwhile.
        let info = std::fs::read_to_string(entry?.path()).unwrap_or_default();
        links += usize::from(info.contains("link_id:"));
    }
    Ok(links)
}

/// Both programs of execsnoop.
const EXECSNOOP_LINKS: usize = 2;

/// Wait until the tool holds so many links, which it says by no output of its own.
fn wait_until_attached(tool: &Running, links: usize) -> Result<()> {
    wait_until("the tool is attached", Duration::from_secs(30), || {
        Ok(links_of(tool.id())? >= links)
    })
}

/// Copy `/bin/true` to a name of its own, so that no other process has it.
fn own_true(folder: &Path, name: &str) -> Result<std::path::PathBuf> {
    let path = folder.join(name);
    std::fs::copy("/bin/true", &path)?;
    Ok(path)
}

const BURST: usize = 20_000;

#[test]
fn every_exec_and_exit_of_a_burst_is_reported_once() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/execsnoop")?;
    let folder = tempfile::tempdir()?;
    let program = own_true(folder.path(), "burst-of-execs")?;
    let tool = Running::start(["-o", "json", "execsnoop", "-n", "burst-of-execs"])?;
    wait_until_attached(&tool, EXECSNOOP_LINKS)?;
    let starters: Vec<_> = (0..2)
        .map(|_| {
            let program = program.clone();
            std::thread::spawn(move || -> Result<Vec<u64>> {
                (0..BURST / 2)
                    .map(|_| {
                        let mut child = Command::new(&program).spawn()?;
                        let pid = u64::from(child.id());
                        child.wait()?;
                        Ok(pid)
                    })
                    .collect()
            })
        })
        .collect();
    let mut expected: BTreeMap<(u64, String), usize> = BTreeMap::new();
    for starter in starters {
        for pid in starter.join().expect("a starter does not panic")? {
            *expected.entry((pid, "exec".into())).or_default() += 1;
            *expected.entry((pid, "exit".into())).or_default() += 1;
        }
    }
    let ended = tool.stop()?;
    let said = &ended.said;
    let mut seen: BTreeMap<(u64, String), usize> = BTreeMap::new();
    for row in ended.rows()? {
        // The last line.
        if let Some(lost) = row["lost"].as_u64() {
            ensure!(lost == 0, "{lost} events were lost");
            continue;
        }
        let pid = row["pid"].as_u64().context("a row has a pid")?;
        let event = row["event"].as_str().context("a row has an event")?;
        *seen.entry((pid, event.to_owned())).or_default() += 1;
    }
    let total: usize = seen.values().sum();
    ensure!(
        total == 2 * BURST,
        "{total} events were reported of {}: {said}",
        2 * BURST
    );
    ensure!(seen == expected, "events of other processes, or twice");
    ensure!(!said.contains("lost"), "{said}");
    Ok(())
}

#[test]
fn a_hundred_starts_and_stops_leave_nothing_in_the_kernel() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/execsnoop")?;
    let before = kernel_objects()?;
    for round in 0..100 {
        let tool = Running::start(["execsnoop"])?;
        match round % 4 {
            // At any moment of its start.
            0 => std::thread::sleep(Duration::from_millis(round)),
            _ => wait_until_attached(&tool, EXECSNOOP_LINKS)?,
        }
        let signal = ["INT", "TERM", "KILL", "INT"][round as usize % 4];
        tool.signal(signal)?;
        let Ended { code, said, .. } = tool.end()?;
        let fine = match signal {
            "KILL" => code == -1,
            // A signal that comes before anything is set up ends the process as it ends any.
            _ => code == 0 || (round % 4 == 0 && [-1, 1, 130].contains(&code)),
        };
        ensure!(fine, "round {round}, SIG{signal}: exit code {code}: {said}");
    }
    let mut left = Vec::new();
    wait_until(
        "the kernel has let go of everything",
        Duration::from_secs(20),
        || {
            left = kernel_objects()?
                .into_iter()
                .filter(|object| !before.contains(object))
                .collect();
            Ok(left.is_empty())
        },
    )
    .with_context(|| left.join("\n"))
}

#[test]
fn a_reader_that_leaves_ends_the_tool() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/execsnoop")?;
    let folder = tempfile::tempdir()?;
    let program = own_true(folder.path(), "head-minus-one")?;
    let mut command = ecli()?;
    command.args(["run", "execsnoop", "-n", "head-minus-one"]);
    let (mut tool, output) = Running::unread(&mut command)?;
    wait_until_attached(&tool, EXECSNOOP_LINKS)?;
    Command::new(&program).status()?;
    let mut output = BufReader::new(output);
    let mut head = String::new();
    output.read_line(&mut head)?;
    ensure!(head.contains("PID"), "{head}");
    drop(output);
    wait_until("the tool ends", Duration::from_secs(20), || {
        Command::new(&program).status()?;
        tool.has_ended()
    })?;
    let Ended { code, said, .. } = tool.end()?;
    ensure!(code == 1, "exit code {code}: {said}");
    ensure!(!said.contains("panic"), "{said}");
    Ok(())
}

#[test]
fn opensnoop_reports_failures_with_their_reason() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/opensnoop")?;
    let me = std::process::id().to_string();
    let mut tool = Running::start(["-o", "json", "opensnoop", "--failed", "--pid", &me])?;
    let missing = "/tmp/there-is-no-such-file-of-opensnoop";
    let mut found = None;
    wait_until(
        "the failed open is reported",
        Duration::from_secs(30),
        || {
            tool.must_run()?;
            let _ = std::fs::File::open(missing);
            let mut rows = tool.rows()?.into_iter();
            found = rows.find(|row| row.to_string().contains(missing));
            Ok(found.is_some())
        },
    )?;
    let row = found.context("it is reported")?;
    ensure!(
        row.to_string().contains("ENOENT") || row.to_string().contains('2'),
        "{row}"
    );
    tool.stop().map(drop)
}

#[test]
fn runqlat_prints_a_histogram_for_each_interval() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/runqlat")?;
    let output = ecli()?.args(["run", "runqlat", "1", "2"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let heads = text
        .lines()
        .filter(|line| line.contains("usecs") && line.contains("count"))
        .count();
    ensure!(heads == 2, "{heads} histograms in:\n{text}");
    ensure!(
        text.contains("->") && text.contains("|*"),
        "no plot in:\n{text}"
    );
    Ok(())
}

#[test]
fn syscount_is_driven_by_the_host_and_counts() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/syscount")?;
    let mut tool = Running::start(["-o", "json", "syscount", "--interval", "1"])?;
    let row: Value = serde_json::from_str(&tool.line()?.context("a row is printed")?)?;
    ensure!(
        row["count"].as_u64().is_some_and(|count| count > 0),
        "{row}"
    );
    ensure!(
        row["syscall"].as_str().is_some_and(|name| !name.is_empty()),
        "{row}"
    );
    tool.stop().map(drop)
}

#[test]
fn bashreadline_shows_what_a_function_chosen_at_run_time_returns() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/bashreadline")?;
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("shell.c");
    std::fs::write(
        &source,
        "static char line[] = \"typed by a test\";\n\
         __attribute__((noinline)) char *read_a_line(void)\n\
         { __asm__ volatile(\"\"); return line; }\n\
         int main(void) { return read_a_line() != line; }\n",
    )?;
    let shell = folder.path().join("shell");
    let compiled = Command::new("cc")
        .arg(&source)
        .arg("-o")
        .arg(&shell)
        .status()?;
    ensure!(compiled.success(), "compile the shell");
    let path = shell.to_str().context("the path is UTF-8")?;
    // By the tool's own options, and by the operator's word over them.
    let target = format!("--attach=on_return=uprobe:{path}:read_a_line");
    for args in [
        &[
            "-o",
            "json",
            "bashreadline",
            "-s",
            path,
            "-f",
            "read_a_line",
        ][..],
        &["-o", "json", &target, "bashreadline"],
    ] {
        let mut tool = Running::start(args)?;
        wait_until("the line is shown", Duration::from_secs(30), || {
            tool.must_run()?;
            ensure!(Command::new(&shell).status()?.success(), "run the shell");
            let lines = tool.new_lines()?;
            Ok(lines.iter().any(|line| line.contains("typed by a test")))
        })?;
        tool.stop()?;
    }
    Ok(())
}

#[test]
fn biolatency_counts_the_requests_of_a_file_that_is_written() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/biolatency")?;
    // Where builds go is on a disk; /tmp may be memory.
    let folder = tempfile::tempdir_in(eunomia_tests::target()?)?;
    let tool = Running::start(["biolatency", "-D"])?;
    wait_until_attached(&tool, 2)?;
    let written = Command::new("dd")
        .args(["if=/dev/zero", "bs=64k", "count=16", "conv=fsync"])
        .arg(format!("of={}", folder.path().join("file").display()))
        .output()?;
    ensure!(written.status.success(), "write a file");
    let ended = tool.stop()?;
    let lines: Vec<&str> = ended.printed.lines().collect();
    ensure!(
        lines.iter().any(|line| line.starts_with("disk = ")),
        "no disk in {lines:?}"
    );
    let counted: u64 = lines
        .iter()
        .filter(|line| line.contains("->"))
        .filter_map(|line| line.split([':', '|']).nth(1)?.trim().parse::<u64>().ok())
        .sum();
    ensure!(counted > 0, "no request in {lines:?}");
    Ok(())
}

/// `openssl s_server` and a client of it: each sends what it reads.
struct Conversation {
    server: Child,
    client: Child,
}

/// A test that fails leaves neither behind.
impl Drop for Conversation {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.client] {
            let _ = child.kill(); // It may have ended.
            let _ = child.wait();
        }
    }
}

impl Conversation {
    fn start(folder: &Path) -> Result<Self> {
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            ])
            .args(["-subj", "/CN=localhost", "-keyout", "key", "-out", "cert"])
            .current_dir(folder)
            .output()
            .context("run openssl: install the package of this name")?;
        ensure!(made.status.success(), "make a certificate");
        let mut server = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0"])
            .args(["-key", "key", "-cert", "cert"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = server.stdout.take().context("stdout is piped")?;
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned));
        // It goes on to print what it receives.
        std::thread::spawn(move || lines.for_each(drop));
        let client = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect"])
            .arg(address.as_deref().unwrap_or("nothing was said"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let conversation = Self { server, client };
        address.context("the server says where it listens")?;
        Ok(conversation)
    }
}

fn say(program: &Child, line: &str) -> Result<()> {
    let mut input = program.stdin.as_ref().context("stdin is piped")?;
    Ok(writeln!(input, "{line}")?)
}

#[test]
fn sslsniff_shows_both_ends_of_a_conversation_in_plain_text() -> Result<()> {
    // Some letters are commands at the start of a line.
    const QUESTION: &str = "a question";
    const ANSWER: &str = "an answer";
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/sslsniff")?;
    let folder = tempfile::tempdir()?;
    let mut tool = Running::start(["-o", "json", "sslsniff", "-c", "openssl"])?;
    // Two programs at four functions.
    wait_until_attached(&tool, 8)?;
    let conversation = Conversation::start(folder.path())?;
    let (server, client) = (conversation.server.id(), conversation.client.id());
    say(&conversation.client, QUESTION)?;
    say(&conversation.server, ANSWER)?;
    let mut missing = vec![
        (client, "send", QUESTION),
        (server, "receive", QUESTION),
        (server, "send", ANSWER),
        (client, "receive", ANSWER),
    ];
    while !missing.is_empty()
        && let Some(line) = tool.line()?
    {
        let row: Value = serde_json::from_str(&line)?;
        missing.retain(|(pid, direction, text)| {
            let is_it = row["pid"] == *pid
                && row["direction"] == *direction
                && row["bytes"] == text.len() + 1
                && row["data"] == format!("{text}\n");
            !is_it
        });
    }
    ensure!(missing.is_empty(), "not shown: {missing:?}");
    tool.stop().map(drop)
}

/// A network namespace that a pair of virtual interfaces connects with this one.
struct Neighbour;

impl Neighbour {
    const NAME: &str = "ecli-neighbour";
    const INTERFACE: &str = "ecli-near";
    /// Of this end; for benchmarks of networks (RFC 2544), so in no network that there is.
    const ADDRESS: &str = "198.18.77.1";

    fn new() -> Result<Self> {
        let neighbour = Self; // Taken down when one of the next fails.
        for words in [
            "netns add ecli-neighbour",
            "link add ecli-near type veth peer name ecli-far netns ecli-neighbour",
            "address add 198.18.77.1/24 dev ecli-near",
            "link set ecli-near up",
            "-n ecli-neighbour address add 198.18.77.2/24 dev ecli-far",
            "-n ecli-neighbour link set ecli-far up",
        ] {
            let made = Command::new("ip").args(words.split(' ')).output()?;
            ensure!(
                made.status.success(),
                "ip {words}: {}",
                String::from_utf8_lossy(&made.stderr)
            );
        }
        Ok(neighbour)
    }

    /// Sends packets of 44 bytes: headers of Ethernet, IPv4 and UDP, and two bytes.
    fn send(&self, port: u16, packets: u32) -> Result<()> {
        let script = format!(
            "for ((i = 0; i < {packets}; i++)); do echo x >/dev/udp/{}/{port}; done",
            Self::ADDRESS
        );
        let sent = Command::new("ip")
            .args(["netns", "exec", Self::NAME, "bash", "-c", &script])
            .status()?;
        ensure!(sent.success(), "send packets to port {port}");
        Ok(())
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // Deleting a namespace takes its interfaces along, but not at once.
        for words in ["link del ecli-near", "netns del ecli-neighbour"] {
            let _ = Command::new("ip").args(words.split(' ')).output(); // It may not be there.
        }
    }
}

#[test]
fn xdp_filter_drops_and_counts_what_its_rules_say_until_it_ends() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/xdp-filter")?;
    let neighbour = Neighbour::new()?;
    let blocked = UdpSocket::bind((Neighbour::ADDRESS, 0))?;
    let open = UdpSocket::bind((Neighbour::ADDRESS, 0))?;
    for socket in [&blocked, &open] {
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    }
    let (blocked_port, open_port) = (blocked.local_addr()?.port(), open.local_addr()?.port());
    let rule = format!("{blocked_port}/udp");
    let arguments = ["xdp-filter", "--block-port", &rule, Neighbour::INTERFACE];
    let tool = Running::start([&["-o", "json"][..], &arguments].concat())?;
    wait_until_attached(&tool, 1)?;

    // Packets keep their order: when the last one is there, the others would be.
    neighbour.send(blocked_port, 3)?;
    neighbour.send(open_port, 1)?;
    let mut data = [0; 16];
    ensure!(open.recv(&mut data)? == 2, "the other port is open");
    blocked.set_nonblocking(true)?;
    ensure!(blocked.recv(&mut data).is_err(), "nothing came through");

    let second = ecli()?.arg("run").args(arguments).output()?;
    let refusal = String::from_utf8_lossy(&second.stderr);
    ensure!(!second.status.success(), "two programs at one interface");
    ensure!(refusal.contains(Neighbour::INTERFACE), "{refusal}");

    let mut summary = tool.stop()?.rows()?;
    summary.retain(|row| row.get("total").is_some());
    let [passed, dropped] = &summary[..] else {
        bail!("a summary of two rows: {summary:?}");
    };
    ensure!(dropped["total"] == format!("to {rule}"), "{dropped}");
    ensure!(
        dropped["packets"] == 3 && dropped["bytes"] == 132,
        "{dropped}"
    );
    // The other one, and what the machines ask each other first.
    ensure!(
        passed["packets"]
            .as_u64()
            .is_some_and(|packets| packets > 0),
        "{passed}"
    );

    blocked.set_nonblocking(false)?;
    neighbour.send(blocked_port, 1)?;
    ensure!(blocked.recv(&mut data)? == 2, "nothing is dropped any more");
    Ok(())
}
