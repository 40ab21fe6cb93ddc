//! Seconds since 1970 as RFC 3339, the form that annotations use.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// The environment variable of reproducible builds (<https://reproducible-builds.org/specs/>).
pub const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The end of the year 9999: RFC 3339 has four-digit years.
const SECONDS_MAX: i64 = 253_402_300_799;

/// A point in time in UTC, in whole seconds; prints as `2024-02-29T12:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From seconds since 1970.
    ///
    /// # Errors
    /// Times before 1970 or after 9999.
    pub fn from_unix(seconds: i64) -> Result<Self> {
        if (0..=SECONDS_MAX).contains(&seconds) {
            return Ok(Self(seconds));
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            format!("use timestamp {seconds}: not between the years 1970 and 9999"),
        ))
    }

    /// The time in `SOURCE_DATE_EPOCH`, if that variable is set.
    ///
    /// # Errors
    /// A value that is not a decimal number of seconds.
    pub fn from_source_date_epoch() -> Result<Option<Self>> {
        let Some(value) = std::env::var_os(SOURCE_DATE_EPOCH) else {
            return Ok(None);
        };
        let seconds = value
            .to_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidInput,
                    format!(
                        "read {SOURCE_DATE_EPOCH}={value:?}: not a number of seconds since 1970"
                    ),
                )
            })?;
        Self::from_unix(seconds).map(Some)
    }

    /// Seconds since 1970.
    pub fn unix(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(86_400));
        let second = self.0.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Parses RFC 3339; fractions of a second are dropped.
    fn from_str(text: &str) -> Result<Self> {
        parse(text)
            .and_then(|seconds| Self::from_unix(seconds).ok())
            .ok_or_else(|| {
                let shown: String = text.chars().take(40).collect();
                Error::new(
                    ErrorKind::Corrupt,
                    format!("parse time {shown:?}: not RFC 3339"),
                )
            })
    }
}

fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes[4] != b'-' || bytes[7] != b'-' || bytes[13] != b':' {
        return None;
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') || bytes[16] != b':' {
        return None;
    }
    let field = |from: usize, to: usize| digits(bytes.get(from..to)?);
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    // 60 is a leap second, which Unix time does not count.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    if civil_from_days(days) != (year, month, day) {
        return None;
    }
    let fraction = bytes[19..]
        .iter()
        .skip(1)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let zone = if bytes[19] == b'.' { 20 + fraction } else { 19 };
    let offset = match bytes.get(zone..)? {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let seconds = digits(&[*h1, *h2])? * 3600 + digits(&[*m1, *m2])? * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |number, byte| match byte {
        b'0'..=b'9' => Some(number * 10 + i64::from(byte - b'0')),
        _ => None,
    })
}

/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_as_rfc_3339_and_parses_back() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_210_096, "2024-02-29T12:34:56Z"),
            (SECONDS_MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(
                Timestamp::from_unix(seconds).expect("in range").to_string(),
                text
            );
            assert_eq!(text.parse::<Timestamp>().expect(text).unix(), seconds);
        }
    }

    #[test]
    fn fractions_and_offsets_are_understood() {
        let parsed: Timestamp = "2024-02-29T14:34:56.123456789+02:00"
            .parse()
            .expect("valid");
        assert_eq!(parsed.to_string(), "2024-02-29T12:34:56Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2024-02-30T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-02-29",
            "now",
            "2024-02-29T24:00:00Z",
            "2024-02-29T12:34:56",
            "1969-12-31T23:59:59Z",
            "2024-02-29T12:34:5éZ",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
