//! What `ecli check` says before, and what then happens: program by program, on this kernel.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use std::path::PathBuf;

use eunomia_host_abi::Result;
use eunomia_host_abi::kernel::{Kernel as _, ProgramSetting};
use eunomia_runtime::Tool;
use eunomia_runtime::preflight::{self, Options, Report, Verdict};
use real_kernel::{compile, kernel, open};

/// Objects with programs of all kinds.
const OBJECTS: [&str; 6] = [
    "preflight",
    "attach",
    "event_buffer",
    "attach_sockets",
    "attach_tracing",
    "kernel_probes",
];

fn check(object: &str, options: &Options) -> Report {
    kernel(); // Says that it takes root.
    let tool = Tool {
        name: object.to_owned(),
        objects: vec![(object.to_owned(), compile(object).into())],
        // Somebody who attaches what its section does not place; what it is is not looked at.
        component: vec![0].into(),
    };
    preflight::check(&tool, options)
}

/// The worst that is said of a program.
fn predicted(report: &Report, object: &str, program: &str) -> Verdict {
    let subject = format!("{object}: {program}");
    let own = report
        .findings
        .iter()
        .filter(|finding| finding.subject == subject);
    own.map(|finding| finding.verdict)
        .max()
        .unwrap_or(Verdict::Fine)
}

/// Load this program alone, and attach it if its section says where.
fn try_program(object: &str, program: &str) -> Result<()> {
    let mut opened = kernel().open_object(object, &compile(object))?;
    for info in opened.programs() {
        opened.set_program(&info.name, ProgramSetting::Autoload(info.name == program))?;
    }
    opened.load()?;
    match opened.can_attach_by_section(program) {
        true => opened.attach(program, None).map(drop),
        false => Ok(()),
    }
}

#[test]
fn verdicts_agree_with_what_then_happens() {
    let mut wrong = Vec::new();
    let mut broken = 0;
    for object in OBJECTS {
        let report = check(object, &Options::default());
        for info in open(object).programs() {
            let predicted = predicted(&report, object, &info.name);
            let happened = try_program(object, &info.name);
            let agrees = match predicted {
                Verdict::Fine => happened.is_ok(),
                Verdict::Failing => happened.is_err(),
                // What cannot be told may come either way.
                Verdict::Warning => true,
            };
            broken += usize::from(info.name.starts_with("broken_") && happened.is_err());
            if !agrees || predicted == Verdict::Warning {
                let what = format!("{object}: {}: {predicted:?}, then {happened:?}", info.name);
                println!("{what}");
                if !agrees {
                    wrong.push(what);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "wrong verdicts:\n{}", wrong.join("\n"));
    assert!(broken >= 10, "only {broken} programs are broken");
}

#[test]
fn every_broken_program_is_found_with_a_reason() {
    let report = check("preflight", &Options::default());
    assert_eq!(report.verdict(), Verdict::Failing);
    for info in open("preflight").programs() {
        let expected = match info.name.starts_with("broken_") {
            true => Verdict::Failing,
            false => Verdict::Fine,
        };
        assert_eq!(
            predicted(&report, "preflight", &info.name),
            expected,
            "{}",
            info.name
        );
    }
    for finding in report.failing_findings() {
        assert!(!finding.reason.is_empty(), "{finding:?}");
    }
    let text = format!("{report:?}");
    for named in [
        "task_struct.no_such_field",
        "ecli_no_such_struct",
        "bpf_helper_9999",
        "call bpf_override_return",
    ] {
        assert!(text.contains(named), "{named} in {text}");
    }
}

#[test]
fn the_types_of_another_kernel_are_all_that_is_known_of_it() {
    let options = Options {
        btf_path: Some(PathBuf::from("/sys/kernel/btf/vmlinux")),
        ..Options::default()
    };
    let report = check("preflight", &options);
    for (program, expected) in [
        ("broken_field", Verdict::Failing),
        ("broken_struct", Verdict::Failing),
        ("broken_enum_value", Verdict::Failing),
        ("broken_fentry", Verdict::Failing),
        ("broken_raw_tracepoint", Verdict::Failing),
        // Their names are in no types.
        ("broken_tracepoint", Verdict::Fine),
        ("broken_helper", Verdict::Fine),
        ("fine_guarded_field", Verdict::Fine),
        ("fine_typed_tracepoint", Verdict::Fine),
    ] {
        assert_eq!(
            predicted(&report, "preflight", program),
            expected,
            "{program}"
        );
    }
    let missing = Options {
        btf_path: Some(PathBuf::from("/no/such/file.btf")),
        ..Options::default()
    };
    let report = check("preflight", &missing);
    assert!(format!("{report:?}").contains("/no/such/file.btf"));
    assert_eq!(report.verdict(), Verdict::Failing);
}

#[test]
fn damaged_objects_end_in_a_finding() {
    let whole = compile("preflight");
    for end in (0..whole.len()).step_by(whole.len() / 11 + 1) {
        let tool = Tool {
            name: "cut".to_owned(),
            objects: vec![("cut".to_owned(), whole[..end].to_vec().into())],
            component: Vec::new().into(),
        };
        let report = preflight::check(&tool, &Options::default());
        assert!(!report.findings.is_empty());
    }
}

#[test]
fn the_host_tells_what_it_offers() {
    let report = preflight::check_host(&eunomia_runtime::libbpf::Options::default());
    for what in [
        "kernel",
        "capabilities",
        "BTF",
        "configuration",
        "LSM programs",
    ] {
        assert!(
            report.findings.iter().any(|finding| finding.what == what),
            "{what}: {report:?}"
        );
    }
}

#[test]
fn it_is_said_which_buffers_are_used() {
    let kernel = eunomia_runtime::libbpf::Options {
        perf_buffers: true,
        ..Default::default()
    };
    let options = Options {
        kernel,
        ..Options::default()
    };
    let reason = |object: &str, options: &Options| {
        let report = check(object, options);
        let subject = format!("{object}: events");
        let finding = report.findings.into_iter().find(|it| it.subject == subject);
        let finding = finding.unwrap();
        (finding.verdict, finding.reason)
    };
    let (verdict, text) = reason("event_buffer", &Options::default());
    assert_eq!(verdict, Verdict::Fine);
    assert!(text.starts_with("a ring buffer; "), "{text}");
    let (verdict, text) = reason("event_buffer", &options);
    assert_eq!(verdict, Verdict::Fine);
    assert!(text.starts_with("perf buffers take its place"), "{text}");
    assert_eq!(reason("buffers", &options).0, Verdict::Failing);
}
