//! Sampling by perf events.

use std::io;

use eunomia_host_abi::target::{ProcessFilter, Sampling};
use eunomia_host_abi::{ErrorKind, Target};
use libbpf_sys::perf_event_attr;

use super::super::perf_event::{self, Event};
use super::{Attached, Attaching, Attachment, Failure, raw};

/// `PERF_TYPE_HARDWARE`.
const TYPE_HARDWARE: u32 = libbpf_sys::PERF_TYPE_HARDWARE;

pub(super) fn attach(attaching: &Attaching<'_>, target: &Target) -> Attached {
    let Target::PerfEvent {
        process,
        cpu,
        fall_back_to_cpu_clock,
        event_type,
        ..
    } = target
    else {
        return Ok(Vec::new());
    };
    let pid = match process {
        ProcessFilter::Any => -1,
        ProcessFilter::HostProcess => 0,
        ProcessFilter::Pid(pid) => i32::try_from(*pid).unwrap_or(i32::MAX),
    };
    let cpus = match cpu {
        Some(cpu) => vec![i32::try_from(*cpu).unwrap_or(i32::MAX)],
        // One event that follows the process.
        None if pid >= 0 => vec![-1],
        None => perf_event::online_cpus()?
            .into_iter()
            .filter_map(|cpu| i32::try_from(cpu).ok())
            .collect(),
    };
    let mut attributes = attributes(target);
    let mut attachments = Vec::new();
    for cpu in cpus {
        let event = Event {
            attributes,
            pid,
            cpu,
        };
        let opened = match perf_event::open(&event) {
            Err(error)
                if lacks_counter(&error)
                    && *fall_back_to_cpu_clock
                    && *event_type == TYPE_HARDWARE =>
            {
                attributes.type_ = perf_event::TYPE_SOFTWARE;
                attributes.config = libbpf_sys::PERF_COUNT_SW_CPU_CLOCK.into();
                perf_event::open(&Event {
                    attributes,
                    ..event
                })
            }
            opened => opened,
        };
        let event = opened.map_err(|error| open_failure(&error, cpu))?;
        let link = raw::perf_event(attaching.program, event)?;
        attachments.push(Attachment::Link(link));
    }
    Ok(attachments)
}

fn attributes(target: &Target) -> perf_event_attr {
    let Target::PerfEvent {
        event_type,
        config,
        config1,
        config2,
        sampling,
        exclude_user,
        exclude_kernel,
        ..
    } = target
    else {
        return perf_event_attr::default();
    };
    let mut attributes = perf_event::attributes(*event_type, *config);
    attributes.__bindgen_anon_3.config1 = *config1;
    attributes.__bindgen_anon_4.config2 = *config2;
    attributes.set_exclude_user((*exclude_user).into());
    attributes.set_exclude_kernel((*exclude_kernel).into());
    match sampling {
        Sampling::Frequency(frequency) => {
            attributes.set_freq(1);
            attributes.__bindgen_anon_1.sample_freq = *frequency;
        }
        Sampling::Period(period) => attributes.__bindgen_anon_1.sample_period = *period,
    }
    attributes
}

/// What the kernel says when there is no such counter.
fn lacks_counter(error: &io::Error) -> bool {
    use rustix::io::Errno;

    [Errno::NOENT, Errno::NODEV, Errno::OPNOTSUPP]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn open_failure(error: &io::Error, cpu: i32) -> Failure {
    let place = match cpu {
        -1 => "the process".to_owned(),
        cpu => format!("CPU {cpu}"),
    };
    if lacks_counter(error) {
        return Failure::Explained(
            ErrorKind::NotSupported,
            format!(
                "open the event for {place}: {error}; this machine has no such counter (virtual \
                 machines often have none): sample by `cpu-clock`, or add `or-cpu-clock`"
            ),
        );
    }
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::InvalidInput => ErrorKind::InvalidArgument,
        _ => ErrorKind::Other,
    };
    Failure::Explained(kind, format!("open the event for {place}: {error}"))
}
