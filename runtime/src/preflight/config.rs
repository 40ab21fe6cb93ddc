//! How the running kernel was configured, as far as it tells.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

/// Bytes of a configuration that are read: kernels have some 300 kB.
const BYTES_MAX: u64 = 4 << 20;

/// The options that are set, with their values; nothing when the kernel does not tell.
pub(super) struct Config {
    /// Where it was found, or where it was looked for.
    pub(super) source: String,
    values: Option<BTreeMap<String, String>>,
}

impl Config {
    /// Of `/proc/config.gz`, or what distributions have in `/boot`.
    pub(super) fn read() -> Self {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let beside = format!("/boot/config-{}", release.trim());
        let text = File::open("/proc/config.gz")
            .ok()
            .and_then(|file| text(flate2::read::GzDecoder::new(file)))
            .map(|text| ("/proc/config.gz".to_owned(), text))
            .or_else(|| Some((beside.clone(), text(File::open(&beside).ok()?)?)));
        match text {
            Some((source, text)) => Self {
                source,
                values: Some(parse(&text)),
            },
            None => Self {
                source: format!("/proc/config.gz and {beside}"),
                values: None,
            },
        }
    }

    pub(super) fn is_known(&self) -> bool {
        self.values.is_some()
    }

    /// Whether an option is set; nothing when the kernel does not tell.
    pub(super) fn has(&self, option: &str) -> Option<bool> {
        let values = self.values.as_ref()?;
        Some(values.get(option).is_some_and(|value| value != "n"))
    }
}

fn text(reader: impl Read) -> Option<String> {
    let mut text = String::new();
    reader.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Lines are `CONFIG_BPF=y`; what is off is a comment.
fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("CONFIG_")?.split_once('='))
        .map(|(option, value)| (option.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_off_are_comments() {
        let config = Config {
            source: String::new(),
            values: Some(parse(
                "CONFIG_BPF=y\n# CONFIG_FPROBE is not set\nCONFIG_VETH=m\n",
            )),
        };
        assert_eq!(config.has("BPF"), Some(true));
        assert_eq!(config.has("VETH"), Some(true));
        assert_eq!(config.has("FPROBE"), Some(false));
    }
}
