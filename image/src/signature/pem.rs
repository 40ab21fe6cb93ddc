//! PEM (RFC 7468): binary content as text between two lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Characters in a line of content.
const LINE_CHARACTERS: usize = 64;

/// The content under `label`; `None` when there is none or it is damaged.
pub(super) fn decode(pem: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = pem.split_once(&*format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&*format!("-----END {label}-----"))?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    STANDARD.decode(body.as_bytes()).ok().map(Zeroizing::new)
}

/// The text for `content`.
pub(super) fn encode(content: &[u8], label: &str) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(content));
    let mut pem = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    for start in (0..body.len()).step_by(LINE_CHARACTERS) {
        // Base64 is ASCII.
        pem.push_str(&body[start..body.len().min(start + LINE_CHARACTERS)]);
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_reads_back_under_its_label_only() {
        for len in [0, 1, 47, 48, 49, 200] {
            let content = vec![7; len];
            let pem = encode(&content, "A THING");
            assert_eq!(*decode(&pem, "A THING").expect("written by us"), content);
            assert!(decode(&pem, "THING").is_none());
            assert!(decode(&pem[..pem.len() - 10], "A THING").is_none());
        }
    }
}
