//! `--metrics` with tools of other projects: what a scraper gets while they run.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, is_root, wait_until};

use super::bumblebee;
use super::gadget::image_of;
use super::running::{file, namesake, object, refused};

/// How long a loaded machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A tool whose metrics are served.
struct Served {
    _tool: Running,
    address: String,
}

impl Served {
    fn start(options: &[&str], tool: &[&str]) -> Result<Self> {
        let served = ["-o", "none", "--metrics", "0"];
        let mut tool = Running::start([&served, options, tool].concat())?;
        let line = tool.expect_said(|line| line.contains("http://"))?;
        let (_, address) = line.split_once("http://").context("it was found")?;
        let address = address.strip_suffix("/metrics").context("a path")?;
        Ok(Self {
            _tool: tool,
            address: address.to_owned(),
        })
    }

    /// The lines of all samples.
    fn scrape(&self) -> Result<Vec<String>> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        ensure!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
        let (_, body) = response.split_once("\r\n\r\n").context("a body")?;
        Ok(body.lines().map(str::to_owned).collect())
    }

    /// Starts the program until the samples are as they should be; how many times that took.
    fn wait(
        &self,
        program: &Path,
        holds: impl Fn(&[String]) -> bool,
    ) -> Result<(Vec<String>, u64)> {
        let mut last = Vec::new();
        let mut started = 0;
        let outcome = wait_until("metrics are as they should be", PATIENCE, || {
            ensure!(Command::new(program).status()?.success());
            started += 1;
            last = self.scrape()?;
            Ok(holds(&last))
        });
        outcome.with_context(|| last.join("\n"))?;
        Ok((last, started))
    }
}

/// The value of the sample that starts like this.
fn value(lines: &[String], start: &str) -> Option<f64> {
    let line = lines.iter().find(|line| line.starts_with(start))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn counters_and_gauges_of_bumblebee_have_its_names() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    bumblebee::image(folder.path(), &object("sections")?)?;
    let path = folder.path().to_str().unwrap_or_default();
    let served = Served::start(&[], &[path, "--interval", "50ms"])?;
    let (lines, _) = served.wait(Path::new("/bin/true"), |lines| {
        value(lines, "ebpf_solo_io_totals{").is_some()
            && value(lines, "ebpf_solo_io_levels{").is_some()
    })?;
    for (start, expected) in [("ebpf_solo_io_totals{", 1.0), ("ebpf_solo_io_levels{", 7.0)] {
        let line = lines.iter().find(|line| line.starts_with(start));
        let line = line.context("it was found before")?;
        ensure!(
            line.contains("address=\"127.0.0.1\"") && line.contains("pid=\""),
            "{line}"
        );
        ensure!(value(&lines, start) == Some(expected), "{line}");
    }
    ensure!(
        lines.contains(&"# TYPE ebpf_solo_io_totals counter".to_owned()),
        "{lines:?}"
    );
    ensure!(
        lines.contains(&"# TYPE ebpf_solo_io_levels gauge".to_owned()),
        "{lines:?}"
    );
    Ok(())
}

#[test]
fn histograms_of_bumblebee_have_buckets() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    bumblebee::image(folder.path(), &object("buckets")?)?;
    let path = folder.path().to_str().unwrap_or_default();
    let options = ["-k", "hist_sizes,size", "-b", "hist_sizes,[10,100,1000]"];
    let tool = [&[path, "--interval", "50ms"][..], &options].concat();
    let served = Served::start(&[], &tool)?;
    let count = "ebpf_solo_io_hist_sizes_count{kind=\"3\"}";
    let (lines, _) = served.wait(Path::new("/bin/true"), |lines| {
        value(lines, count) > Some(8.0)
    })?;
    let bucket = |bound: &str| {
        let start = format!("ebpf_solo_io_hist_sizes_bucket{{kind=\"3\",le=\"{bound}\"}}");
        value(&lines, &start).with_context(|| start)
    };
    let [ten, hundred, thousand, all] = [
        bucket("10")?,
        bucket("100")?,
        bucket("1000")?,
        bucket("+Inf")?,
    ];
    ensure!(
        value(&lines, count) == Some(all) && thousand == all,
        "{lines:?}"
    );
    // 5, 50 and 500 in turn: as many of each, but for those that are not complete.
    let each = [ten, hundred - ten, thousand - hundred];
    ensure!(
        each.iter().all(|count| (count - all / 3.0).abs() <= 1.0),
        "{each:?}"
    );
    let sum = value(&lines, "ebpf_solo_io_hist_sizes_sum{kind=\"3\"}");
    let expected = each[0] * 5.0 + each[1] * 50.0 + each[2] * 500.0;
    ensure!(sum == Some(expected), "{sum:?} instead of {expected}");
    ensure!(
        !lines.iter().any(|line| line.contains("_value")),
        "{lines:?}"
    );
    Ok(())
}

#[test]
fn what_is_wrong_with_a_histograms_options_is_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    bumblebee::image(folder.path(), &object("buckets")?)?;
    let path = folder.path().to_str().unwrap_or_default();
    for (option, value, reason) in [
        ("-b", "hist_sizes,[3,2]", "ascending numbers"),
        ("-b", "hist_sizes,[]", "ascending numbers"),
        ("-b", "hist_sizes", "no comma"),
        ("-k", "hist_sizes,nope", "no field `nope`, but: kind, size"),
        ("-k", "nope,size", "there is no histogram `nope`"),
    ] {
        let said = refused(&[path, option, value])?;
        ensure!(said.contains(reason), "{option} {value}: {said}");
    }
    Ok(())
}

const TALLY: &str = "\
datasources:
  execs:
    fields:
      comm:
        annotations:
          metrics.type: key
";

#[test]
fn what_a_gadget_takes_out_of_a_map_adds_up() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image_of(folder.path(), "tally", Some(TALLY), None)?;
    let path = folder.path().to_str().unwrap_or_default();
    let served = Served::start(&[], &[path, "--interval", "50ms"])?;
    let program = namesake(folder.path(), "counted")?;
    let total = "ecli_execs_execs_total{comm=\"counted\"}";
    let (lines, started) = served.wait(&program, |lines| {
        value(lines, total) > Some(20.0) && value(lines, "ecli_rows_total") > Some(3.0)
    })?;
    let total = value(&lines, total).context("it was found before")?;
    ensure!(total <= started as f64, "{total} of {started}");
    let slots = value(
        &lines,
        "ecli_execs_latency_bucket{comm=\"counted\",le=\"15\"}",
    );
    ensure!(slots == Some(total), "{lines:?}");
    let below = value(
        &lines,
        "ecli_execs_latency_bucket{comm=\"counted\",le=\"7\"}",
    );
    ensure!(below == Some(0.0), "{lines:?}");
    Ok(())
}

#[test]
fn the_operator_counts_rows_of_any_object() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = file(folder.path(), "execs.bpf.o", &object("execs")?)?;
    let program = namesake(folder.path(), "numbered")?;
    let options = [
        "--counter",
        "rows,comm",
        "--gauge",
        "small,comm",
        "--hist",
        "high,comm",
    ];
    let served = Served::start(&options, &[&path])?;
    let rows = "ecli_events_rows_total{comm=\"numbered\"}";
    let (lines, started) = served.wait(&program, |lines| value(lines, rows) > Some(5.0))?;
    let rows = value(&lines, rows).context("it was found before")?;
    ensure!(rows <= started as f64, "{rows} of {started}");
    ensure!(
        value(&lines, "ecli_events_small{comm=\"numbered\"}") == Some(-5.0),
        "{lines:?}"
    );
    let bucket = |bound: u32| {
        value(
            &lines,
            &format!("ecli_events_high_bucket{{comm=\"numbered\",le=\"{bound}\"}}"),
        )
    };
    ensure!(
        bucket(1024) == Some(0.0) && bucket(2048) == Some(rows),
        "{lines:?}"
    );
    Ok(())
}
