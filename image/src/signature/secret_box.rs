//! NaCl's secretbox: XSalsa20 and Poly1305, put together as NaCl's `crypto_secretbox` is.

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use zeroize::Zeroizing;

pub(super) const KEY_BYTES: usize = 32;
pub(super) const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// The start of the key stream is Poly1305's key.
const TAG_KEY_BYTES: usize = 32;

/// The tag, then the encrypted content.
pub(super) fn seal(key: &[u8; KEY_BYTES], nonce: &[u8; NONCE_BYTES], content: &[u8]) -> Vec<u8> {
    let (mut stream, tag_key) = start(key, nonce);
    let mut sealed = vec![0; TAG_BYTES];
    sealed.extend_from_slice(content);
    let (tag, encrypted) = sealed.split_at_mut(TAG_BYTES);
    stream.apply_keystream(encrypted);
    tag.copy_from_slice(&authenticate(&tag_key, encrypted));
    sealed
}

/// The content; `None` for a wrong key or nonce, and for what was changed.
pub(super) fn open(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (tag, encrypted) = sealed.split_at_checked(TAG_BYTES)?;
    let (mut stream, tag_key) = start(key, nonce);
    let expected = authenticate(&tag_key, encrypted);
    aws_lc_rs::constant_time::verify_slices_are_equal(tag, &expected).ok()?;
    let mut content = Zeroizing::new(encrypted.to_vec());
    stream.apply_keystream(&mut content);
    Some(content)
}

fn start(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
) -> (XSalsa20, Zeroizing<[u8; TAG_KEY_BYTES]>) {
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut tag_key = Zeroizing::new([0; TAG_KEY_BYTES]);
    stream.apply_keystream(&mut *tag_key);
    (stream, tag_key)
}

fn authenticate(key: &[u8; TAG_KEY_BYTES], encrypted: &[u8]) -> [u8; TAG_BYTES] {
    let tag = Poly1305::new(key.into()).compute_unpadded(encrypted);
    tag.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_content_open() {
        let (key, nonce) = ([1; KEY_BYTES], [2; NONCE_BYTES]);
        let sealed = seal(&key, &nonce, b"content");
        let opened = open(&key, &nonce, &sealed).expect("unchanged");
        assert_eq!(*opened, b"content");
        assert!(open(&[3; KEY_BYTES], &nonce, &sealed).is_none());
        assert!(open(&key, &[3; NONCE_BYTES], &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&key, &nonce, &changed).is_none(), "{at}");
            assert!(open(&key, &nonce, &sealed[..at]).is_none(), "{at}");
        }
    }
}
