//! How a value is written in a column: the hint `format`.

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use chrono::{DateTime, Local};

use super::cell::Cell;
use super::names::{errno_name, signal_name};
use crate::size;

/// The values of the hint `format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    #[default]
    Plain,
    Hex,
    Octal,
    /// A number of bytes: `1.5 KiB`.
    Bytes,
    /// A duration; so many nanoseconds are 1.
    Duration(u64),
    /// Nanoseconds since 1970.
    Time,
    /// Nanoseconds of `bpf_ktime_get_ns`.
    TimeMonotonic,
    /// Nanoseconds of `bpf_ktime_get_boot_ns`.
    TimeBoot,
    Errno,
    Signal,
    /// An IP address in network byte order: a 32-bit number, or 4 or 16 bytes.
    IpAddress,
    /// A port in network byte order.
    Port,
    /// Bytes as `02:00:5e:10:00:01`.
    Mac,
}

impl Style {
    /// The style that a hint names; `None` for one that this version does not know.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "decimal" | "plain" => Self::Plain,
            "hex" => Self::Hex,
            "octal" => Self::Octal,
            "bytes" => Self::Bytes,
            "duration-ns" => Self::Duration(1),
            "duration-us" => Self::Duration(1_000),
            "duration-ms" => Self::Duration(1_000_000),
            "duration-s" => Self::Duration(1_000_000_000),
            "time-ns" => Self::Time,
            "time-monotonic-ns" => Self::TimeMonotonic,
            "time-boot-ns" => Self::TimeBoot,
            "errno" => Self::Errno,
            "signal" => Self::Signal,
            "ip-address" => Self::IpAddress,
            "port" => Self::Port,
            "mac-address" => Self::Mac,
            _ => return None,
        })
    }

    /// How many characters such values usually take; `None`: it depends on their type.
    pub(super) fn width(self) -> Option<usize> {
        Some(match self {
            Self::Plain => return None,
            Self::Hex | Self::Octal => 10,
            Self::Bytes | Self::Duration(_) => 8,
            Self::Time | Self::TimeMonotonic | Self::TimeBoot => 12,
            Self::Errno | Self::Signal => 9,
            Self::IpAddress => 15,
            Self::Port => 5,
            Self::Mac => 17,
        })
    }

    /// Whether what it makes of numbers is a word.
    pub(super) fn makes_words(self) -> bool {
        matches!(
            self,
            Self::Errno | Self::Signal | Self::IpAddress | Self::Mac
        )
    }
}

/// When the kernel's clocks were zero, as time since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KernelClocks {
    /// `bpf_ktime_get_ns`.
    pub(crate) monotonic: Duration,
    /// `bpf_ktime_get_boot_ns`.
    pub(crate) boot: Duration,
}

/// Appends a value as text. Text is appended as it is: the caller makes it safe to show.
pub(super) fn write(text: &mut Vec<u8>, cell: Cell<'_>, style: Style, clocks: &KernelClocks) {
    match (style, cell) {
        (Style::Hex, Cell::Unsigned(value)) => append(text, format_args!("{value:#x}")),
        (Style::Hex, Cell::Signed(value)) => append(text, format_args!("{value:#x}")),
        (Style::Octal, Cell::Unsigned(0)) => text.push(b'0'),
        (Style::Octal, Cell::Unsigned(value)) => append(text, format_args!("0{value:o}")),
        (Style::Bytes, Cell::Unsigned(value)) => {
            append(text, format_args!("{}", size::shown(value)))
        }
        (Style::Duration(unit), Cell::Unsigned(value)) => {
            write_duration(text, u128::from(value) * u128::from(unit));
        }
        (Style::Duration(unit), Cell::Signed(value)) => {
            if value < 0 {
                text.push(b'-');
            }
            write_duration(text, u128::from(value.unsigned_abs()) * u128::from(unit));
        }
        (Style::Time, Cell::Unsigned(value)) => write_time(text, Duration::from_nanos(value)),
        (Style::TimeMonotonic, Cell::Unsigned(value)) => {
            write_time(
                text,
                clocks.monotonic.saturating_add(Duration::from_nanos(value)),
            );
        }
        (Style::TimeBoot, Cell::Unsigned(value)) => {
            write_time(
                text,
                clocks.boot.saturating_add(Duration::from_nanos(value)),
            );
        }
        (Style::Errno, cell) => match cell.as_signed().and_then(|number| errno_name(number)) {
            Some(name) => text.extend_from_slice(name.as_bytes()),
            None => write_plain(text, cell),
        },
        (Style::Signal, cell) => match cell.as_signed().and_then(signal_name) {
            Some(name) => text.extend_from_slice(name.as_bytes()),
            None => write_plain(text, cell),
        },
        (Style::IpAddress, cell) => write_address(text, cell),
        (Style::Port, Cell::Unsigned(value)) => match u16::try_from(value) {
            Ok(port) => append(text, format_args!("{}", u16::from_be(port))),
            Err(_) => write_plain(text, cell),
        },
        (Style::Mac, Cell::Bytes(bytes)) => {
            for (index, byte) in bytes.iter().enumerate() {
                if index > 0 {
                    text.push(b':');
                }
                write_hex(text, &[*byte]);
            }
        }
        (_, cell) => write_plain(text, cell),
    }
}

fn write_plain(text: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Unsigned(value) => append(text, format_args!("{value}")),
        Cell::Signed(value) => append(text, format_args!("{value}")),
        Cell::Unsigned128(value) => append(text, format_args!("{value}")),
        Cell::Signed128(value) => append(text, format_args!("{value}")),
        Cell::Boolean(value) => append(text, format_args!("{value}")),
        Cell::Float(value) => append(text, format_args!("{value}")),
        Cell::Float32(value) => append(text, format_args!("{value}")),
        Cell::Text(value) => text.extend_from_slice(value),
        Cell::Bytes(bytes) => write_hex(text, bytes),
        Cell::Pointer(value) => append(text, format_args!("{value:#x}")),
    }
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

/// The local time of day, to the millisecond.
fn write_time(text: &mut Vec<u8>, since_1970: Duration) {
    let seconds = i64::try_from(since_1970.as_secs()).ok();
    let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    match time {
        Some(time) => {
            let local = time.with_timezone(&Local).time();
            append(
                text,
                format_args!(
                    "{}.{:03}",
                    local.format("%H:%M:%S"),
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

fn append(text: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(style: &str, cell: Cell<'_>) -> String {
        let style = Style::named(style).unwrap();
        let clocks = KernelClocks::default();
        let mut text = Vec::new();
        write(&mut text, cell, style, &clocks);
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
        };
        let shown = |style, value| {
            let mut text = Vec::new();
            write(&mut text, Cell::Unsigned(value), style, &clocks);
            String::from_utf8(text).unwrap()
        };
        // The same moment, in whatever time zone this runs.
        let moment = shown(Style::Time, 3_500_000_000);
        assert_eq!(moment.len(), "00:00:03.500".len());
        assert!(moment.ends_with(":03.500"), "{moment}");
        assert_eq!(shown(Style::TimeMonotonic, 2_000_000_000), moment);
        assert_eq!(shown(Style::TimeBoot, 1_000_000_000), moment);
        assert!(shown(Style::TimeBoot, u64::MAX).contains(':'));
    }

    #[test]
    fn a_format_that_does_not_suit_the_value_leaves_it_as_it_is() {
        assert_eq!(shown("hex", Cell::Text(b"x")), "x");
        assert_eq!(shown("duration-ns", Cell::Boolean(true)), "true");
        assert_eq!(shown("port", Cell::Unsigned(70_000)), "70000");
        assert_eq!(Style::named("nonsense"), None);
    }
}
