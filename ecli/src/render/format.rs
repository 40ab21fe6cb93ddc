//! How a value is written in a column: the hint `format`.

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use chrono::{DateTime, Local};

use eunomia_runtime::output::Format;

use super::cell::Cell;
use super::names::{
    KernelClocks, Names, Namespace, errno_name, signal_name, syscall_name, write_file_mode,
};
use crate::size;

/// How many characters values of a format usually take; `None`: it depends on their type.
pub(super) fn width(format: Format) -> Option<usize> {
    Some(match format {
        Format::Hex | Format::Octal | Format::FileMode => 10,
        Format::Bytes
        | Format::DurationNs
        | Format::DurationUs
        | Format::DurationMs
        | Format::DurationS
        | Format::Percent => 8,
        Format::TimeNs | Format::TimeMonotonicNs | Format::TimeBootNs => 12,
        Format::MountNamespace | Format::NetworkNamespace => 12,
        Format::Errno | Format::Signal | Format::Uid | Format::Gid => 9,
        Format::IpAddress => 15,
        Format::Syscall => 16,
        Format::Port => 5,
        Format::MacAddress => 17,
        Format::Flags | Format::FileFlags => 20,
        _ => return None,
    })
}

/// Whether what a format makes of numbers is a word.
pub(super) fn makes_words(format: Format) -> bool {
    matches!(
        format,
        Format::Errno
            | Format::Signal
            | Format::Syscall
            | Format::Uid
            | Format::Gid
            | Format::IpAddress
            | Format::MacAddress
            | Format::Flags
            | Format::FileMode
            | Format::FileFlags
            | Format::MountNamespace
            | Format::NetworkNamespace
    )
}

/// Nanoseconds of 1 in a format for durations.
pub(super) fn duration_unit(format: Format) -> Option<u64> {
    match format {
        Format::DurationNs => Some(1),
        Format::DurationUs => Some(1_000),
        Format::DurationMs => Some(1_000_000),
        Format::DurationS => Some(1_000_000_000),
        _ => None,
    }
}

/// Appends a value as text. Text is appended as it is: the caller makes it safe to show. What needs
/// to know more of the field than its format is plain here: see [`Style`](super::style::Style).
pub(super) fn write(text: &mut Vec<u8>, cell: Cell<'_>, format: Format, names: &mut Names) {
    if let Some(unit) = duration_unit(format) {
        return write_duration_cell(text, cell, unit);
    }
    match (format, cell) {
        (Format::Hex, Cell::Unsigned(value)) => append(text, format_args!("{value:#x}")),
        (Format::Hex, Cell::Signed(value)) => append(text, format_args!("{value:#x}")),
        (Format::Octal, Cell::Unsigned(0)) => text.push(b'0'),
        (Format::Octal, Cell::Unsigned(value)) => append(text, format_args!("0{value:o}")),
        (Format::Bytes, Cell::Unsigned(value)) => {
            append(text, format_args!("{}", size::shown(value)));
        }
        (Format::Percent, cell) => {
            write_plain(text, cell);
            text.push(b'%');
        }
        (Format::TimeNs, Cell::Unsigned(value)) => {
            write_time(text, Duration::from_nanos(value), names.clocks);
        }
        (Format::TimeMonotonicNs, Cell::Unsigned(value)) => {
            let start = names.clocks.monotonic;
            write_time(
                text,
                start.saturating_add(Duration::from_nanos(value)),
                names.clocks,
            );
        }
        (Format::TimeBootNs, Cell::Unsigned(value)) => {
            let start = names.clocks.boot;
            write_time(
                text,
                start.saturating_add(Duration::from_nanos(value)),
                names.clocks,
            );
        }
        (Format::IpAddress, cell) => write_address(text, cell),
        (Format::Port, cell) => match port(cell) {
            Some(port) => append(text, format_args!("{port}")),
            None => write_plain(text, cell),
        },
        (Format::MacAddress, Cell::Bytes(bytes)) => {
            for (index, byte) in bytes.iter().enumerate() {
                if index > 0 {
                    text.push(b':');
                }
                write_hex(text, &[*byte]);
            }
        }
        (Format::FileMode, Cell::Unsigned(mode)) => write_file_mode(text, mode),
        (format, cell) => match cell
            .as_signed()
            .and_then(|value| name(value, format, names))
        {
            Some(name) => text.extend_from_slice(name.as_bytes()),
            None => write_plain(text, cell),
        },
    }
}

/// The name that a number has in a format, if it has one.
fn name(number: i64, format: Format, names: &mut Names) -> Option<&str> {
    match format {
        Format::Errno => errno_name(number),
        Format::Signal => signal_name(number),
        Format::Syscall => syscall_name(number),
        Format::Uid => names.users.name(number),
        Format::Gid => names.groups.name(number),
        Format::MountNamespace => names
            .containers
            .name(Namespace::Mount, number.cast_unsigned()),
        Format::NetworkNamespace => names
            .containers
            .name(Namespace::Network, number.cast_unsigned()),
        _ => None,
    }
}

/// The port that a value in network order means.
pub(super) fn port(cell: Cell<'_>) -> Option<u16> {
    let value = u16::try_from(cell.as_unsigned()?).ok()?;
    Some(u16::from_be(value))
}

fn write_duration_cell(text: &mut Vec<u8>, cell: Cell<'_>, unit: u64) {
    match cell {
        Cell::Unsigned(value) => write_duration(text, u128::from(value) * u128::from(unit)),
        Cell::Signed(value) => {
            if value < 0 {
                text.push(b'-');
            }
            write_duration(text, u128::from(value.unsigned_abs()) * u128::from(unit));
        }
        cell => write_plain(text, cell),
    }
}

pub(super) fn write_plain(text: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Unsigned(value) => write_unsigned(text, value),
        Cell::Signed(value) => write_signed(text, value),
        Cell::Unsigned128(value) => append(text, format_args!("{value}")),
        Cell::Signed128(value) => append(text, format_args!("{value}")),
        Cell::Boolean(value) => append(text, format_args!("{value}")),
        // With an exponent where the digits would be many.
        Cell::Float(value) if needs_exponent(value) => append(text, format_args!("{value:e}")),
        Cell::Float32(value) if needs_exponent(value.into()) => {
            append(text, format_args!("{value:e}"));
        }
        Cell::Float(value) => append(text, format_args!("{value}")),
        Cell::Float32(value) => append(text, format_args!("{value}")),
        Cell::Text(value) => text.extend_from_slice(value),
        Cell::Bytes(bytes) => write_hex(text, bytes),
        Cell::Pointer(value) => append(text, format_args!("{value:#x}")),
        Cell::Character(0) => {}
        Cell::Character(value) => text.push(value),
        Cell::Enum {
            name: Some(name), ..
        } => text.extend_from_slice(name.as_bytes()),
        Cell::Enum { number, name: None } => append(text, format_args!("{number}")),
    }
}

fn needs_exponent(value: f64) -> bool {
    value != 0.0 && value.is_finite() && !(1e-5..1e16).contains(&value.abs())
}

/// Digits by hand: most of what rows consist of, and `write!` takes several times as long.
pub(super) fn write_unsigned(text: &mut Vec<u8>, mut value: u64) {
    const DIGITS_MAX: usize = 20;
    let mut digits = [0; DIGITS_MAX];
    let mut start = DIGITS_MAX;
    loop {
        start -= 1;
        // The remainder is below 10.
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[start..]);
}

pub(super) fn write_signed(text: &mut Vec<u8>, value: i64) {
    if value < 0 {
        text.push(b'-');
    }
    write_unsigned(text, value.unsigned_abs());
}

/// Two digits a byte.
pub(super) fn write_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.extend_from_slice(&[
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 0xf)],
        ]);
    }
}

/// `850ns`, `1.25ms`, `12.5s`, `3m07s`, `2h05m`, `4d11h`: what fits into 6 or 7 characters.
fn write_duration(text: &mut Vec<u8>, nanoseconds: u128) {
    const SMALL: [(u128, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    const LARGE: [(u128, &str, u128, &str); 3] = [
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ];
    let seconds = nanoseconds / 1_000_000_000;
    if let Some((unit, name, part, part_name)) = LARGE.iter().find(|large| seconds >= large.0) {
        let (count, rest) = (seconds / unit, seconds % unit / part);
        return append(text, format_args!("{count}{name}{rest:02}{part_name}"));
    }
    let Some((unit, name)) = SMALL.iter().find(|(unit, _)| nanoseconds >= *unit) else {
        return append(text, format_args!("{nanoseconds}ns"));
    };
    // Three digits that matter, cut off: 999999 ns are 999us, not 1000us.
    let (whole, rest) = (nanoseconds / unit, nanoseconds % unit);
    match whole {
        0..10 => append(text, format_args!("{whole}.{:02}{name}", rest * 100 / unit)),
        10..100 => append(text, format_args!("{whole}.{}{name}", rest * 10 / unit)),
        _ => append(text, format_args!("{whole}{name}")),
    }
}

/// The time of day, to the millisecond.
fn write_time(text: &mut Vec<u8>, since_1970: Duration, clocks: KernelClocks) {
    let seconds = i64::try_from(since_1970.as_secs()).ok();
    let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    match time {
        Some(time) => {
            let time = match clocks.is_utc {
                true => time.time(),
                false => time.with_timezone(&Local).time(),
            };
            append(
                text,
                format_args!(
                    "{}.{:03}",
                    time.format("%H:%M:%S"),
                    since_1970.subsec_millis()
                ),
            );
        }
        None => append(text, format_args!("{}s", since_1970.as_secs())),
    }
}

fn write_address(text: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Unsigned(value) => match u32::try_from(value) {
            Ok(address) => append(
                text,
                format_args!("{}", Ipv4Addr::from(address.to_le_bytes())),
            ),
            Err(_) => write_plain(text, cell),
        },
        Cell::Bytes(bytes) => {
            if let Ok(address) = <[u8; 4]>::try_from(bytes) {
                append(text, format_args!("{}", Ipv4Addr::from(address)));
            } else if let Ok(address) = <[u8; 16]>::try_from(bytes) {
                append(text, format_args!("{}", Ipv6Addr::from(address)));
            } else {
                write_plain(text, cell);
            }
        }
        _ => write_plain(text, cell),
    }
}

pub(super) fn append(text: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(style: &str, cell: Cell<'_>) -> String {
        let format = Format::named(style).unwrap();
        let mut names = Names::new(KernelClocks::default(), None);
        let mut text = Vec::new();
        write(&mut text, cell, format, &mut names);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn durations_have_three_digits_and_one_or_two_units() {
        let duration = |value| shown("duration-ns", Cell::Unsigned(value));
        for (value, text) in [
            (0, "0ns"),
            (999, "999ns"),
            (1_000, "1.00us"),
            (12_345, "12.3us"),
            (999_999, "999us"),
            (1_250_000, "1.25ms"),
            (59_999_999_999, "59.9s"),
            (60_000_000_000, "1m00s"),
            (3_599_000_000_000, "59m59s"),
            (7_500_000_000_000, "2h05m"),
            (u64::MAX, "213503d23h"),
        ] {
            assert_eq!(duration(value), text);
        }
        assert_eq!(shown("duration-s", Cell::Unsigned(90)), "1m30s");
        assert_eq!(shown("duration-us", Cell::Signed(-1500)), "-1.50ms");
    }

    #[test]
    fn numbers_are_shown_in_other_bases_and_by_name() {
        assert_eq!(shown("hex", Cell::Unsigned(0xdead)), "0xdead");
        assert_eq!(shown("octal", Cell::Unsigned(0o644)), "0644");
        assert_eq!(shown("octal", Cell::Unsigned(0)), "0");
        assert_eq!(shown("bytes", Cell::Unsigned(1536)), "1.5 KiB");
        assert_eq!(shown("errno", Cell::Signed(-2)), "ENOENT");
        assert_eq!(shown("errno", Cell::Unsigned(2)), "ENOENT");
        assert_eq!(shown("errno", Cell::Signed(0)), "0");
        assert_eq!(shown("errno", Cell::Signed(-9999)), "-9999");
        assert_eq!(shown("signal", Cell::Unsigned(9)), "SIGKILL");
        assert_eq!(shown("signal", Cell::Unsigned(200)), "200");
        assert_eq!(shown("uid", Cell::Unsigned(0)), "root");
        assert_eq!(shown("gid", Cell::Unsigned(0)), "root");
        assert_eq!(shown("uid", Cell::Unsigned(4_000_000_000)), "4000000000");
        assert_eq!(shown("percent", Cell::Float(12.5)), "12.5%");
        assert_eq!(shown("file-mode", Cell::Unsigned(0o100_644)), "-rw-r--r--");
        #[cfg(target_arch = "x86_64")]
        assert_eq!(shown("syscall", Cell::Unsigned(257)), "openat");
        assert_eq!(shown("syscall", Cell::Signed(-1)), "-1");
    }

    #[test]
    fn addresses_are_read_in_network_order() {
        assert_eq!(
            shown("ip-address", Cell::Unsigned(0x0100_007f)),
            "127.0.0.1"
        );
        assert_eq!(shown("ip-address", Cell::Bytes(&[10, 0, 0, 1])), "10.0.0.1");
        let mut loopback = [0; 16];
        loopback[15] = 1;
        assert_eq!(shown("ip-address", Cell::Bytes(&loopback)), "::1");
        assert_eq!(shown("ip-address", Cell::Bytes(&[1])), "01");
        assert_eq!(shown("port", Cell::Unsigned(0x5000)), "80");
        assert_eq!(shown("mac-address", Cell::Bytes(&[2, 0, 0x5e])), "02:00:5e");
    }

    #[test]
    fn times_of_kernel_clocks_are_times_of_day() {
        let clocks = KernelClocks {
            monotonic: Duration::from_millis(1_500),
            boot: Duration::from_millis(2_500),
            is_utc: false,
        };
        let mut names = Names::new(clocks, None);
        let mut shown = |format, value| {
            let mut text = Vec::new();
            write(&mut text, Cell::Unsigned(value), format, &mut names);
            String::from_utf8(text).unwrap()
        };
        // The same moment, in whatever time zone this runs.
        let moment = shown(Format::TimeNs, 3_500_000_000);
        assert_eq!(moment.len(), "00:00:03.500".len());
        assert!(moment.ends_with(":03.500"), "{moment}");
        assert_eq!(shown(Format::TimeMonotonicNs, 2_000_000_000), moment);
        assert_eq!(shown(Format::TimeBootNs, 1_000_000_000), moment);
        assert!(shown(Format::TimeBootNs, u64::MAX).contains(':'));
    }

    #[test]
    fn a_format_that_does_not_suit_the_value_leaves_it_as_it_is() {
        assert_eq!(shown("hex", Cell::Text(b"x")), "x");
        assert_eq!(shown("duration-ns", Cell::Boolean(true)), "true");
        assert_eq!(shown("port", Cell::Unsigned(70_000)), "70000");
        assert_eq!(Format::named("nonsense"), None);
    }
}
