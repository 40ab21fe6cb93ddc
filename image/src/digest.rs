//! SHA-256 content digests.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::{Error, ErrorKind};

const ALGORITHM_PREFIX: &str = "sha256:";
const HEX_LEN: usize = 64;
const COPY_BUFFER_BYTES: usize = 128 << 10;

/// The SHA-256 of some content; prints as `sha256:<64 lower-case hexadecimal digits>`.
///
/// Other algorithms are refused: what cannot be verified must not run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest and length of all that `reader` yields, in constant memory.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of_reader(reader: &mut dyn Read) -> io::Result<(Self, u64)> {
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; COPY_BUFFER_BYTES];
        loop {
            let len = match reader.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&buffer[..len]);
        }
    }

    /// The 64 hexadecimal digits, which name the blob's file.
    pub fn hex(&self) -> String {
        use fmt::Write as _;
        let mut text = String::with_capacity(HEX_LEN);
        for byte in self.0 {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Computes a [`Digest`] over content that arrives in pieces.
#[derive(Clone, Default)]
pub struct Hasher {
    state: Sha256,
    len: u64,
}

impl Hasher {
    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.len += bytes.len() as u64;
    }

    /// Bytes seen so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no bytes were seen yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The digest and length of everything that was added.
    pub fn finish(self) -> (Digest, u64) {
        (Digest(self.state.finalize().into()), self.len)
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM_PREFIX}{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Some(hex) = text.strip_prefix(ALGORITHM_PREFIX) else {
            let shown: String = text.chars().take(HEX_LEN).collect();
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("parse digest {shown:?}: only sha256 is supported"),
            ));
        };
        decode_hex(hex).map(Self).ok_or_else(|| {
            let shown: String = text
                .chars()
                .take(HEX_LEN + ALGORITHM_PREFIX.len())
                .collect();
            Error::new(
                ErrorKind::Corrupt,
                format!("parse digest {shown:?}: not 64 lower-case hexadecimal digits"),
            )
        })
    }
}

/// Upper case is refused: a digest is also a file name, and has one spelling.
fn decode_hex(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.as_bytes();
    if digits.len() != HEX_LEN {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From FIPS 180-2, appendix B.1.
    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_digest_prints_as_it_parses() {
        assert_eq!(Digest::of(b"abc").to_string(), ABC);
        assert_eq!(ABC.parse::<Digest>().expect("valid"), Digest::of(b"abc"));
    }

    #[test]
    fn a_digest_in_pieces_is_the_same() {
        let mut hasher = Hasher::default();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.finish(), (Digest::of(b"abc"), 3));
        let read = Digest::of_reader(&mut &b"abc"[..]).expect("read from memory");
        assert_eq!(read, (Digest::of(b"abc"), 3));
    }

    #[test]
    fn anything_but_64_lower_case_digits_is_refused() {
        let hex = &ABC[7..];
        for text in [
            "",
            "sha256:",
            "sha256:../../../../etc/passwd",
            hex,
            &format!("sha512:{hex}"),
            &format!("sha256:{}", hex.to_uppercase()),
            &format!("sha256:{}", &hex[1..]),
            &format!("sha256:{hex}0"),
            &format!("sha256:/{}", &hex[1..]),
            &format!("sha256:é{}", &hex[2..]),
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
