//! What the tests have proven of attach types: the rows of `docs/attach-types.md`, which
//! `scripts/attach-types` makes of the results of this machine and of the virtual one.

use std::io::Write as _;

use eunomia_host_abi::Error;
use eunomia_host_abi::kernel::Kernel as _;

/// A file that results are appended to, one line each.
const RESULTS: &str = "ECLI_ATTACH_RESULTS";

/// An event or an effect of this attach type was seen, and none after detaching.
pub(crate) fn proven(attach_type: &str) {
    note(attach_type, "proven", "");
}

/// This kernel lacks it, and the error says so.
pub(crate) fn lacking(attach_type: &str, error: &Error) {
    let text = error.text().replace(['\n', '\t'], " ");
    println!("not on this kernel: {attach_type}: {text}");
    note(attach_type, "lacking", &text);
}

fn note(attach_type: &str, outcome: &str, reason: &str) {
    let Some(path) = std::env::var_os(RESULTS) else {
        return;
    };
    let (major, minor, _) = super::kernel().version();
    let line = format!("{attach_type}\t{major}.{minor}\t{outcome}\t{reason}\n");
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(path);
    // One call, so that lines of tests that run at the same time do not mix.
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .unwrap();
}
