//! Compiled functions, one after the other in a file. So a compilation that the end of a process
//! cuts short goes on with the next start, and a component that has most functions of one before
//! (the same interpreter with another program, the same program a minute ago) takes these.
//!
//! They are machine code, and trusted for the same reasons as the files of the module above.
//!
//! An entry is a head (32 bytes of digest, then the bytes of the key and of the value, 4 each,
//! little-endian), the key, the value. The digest is that of everything behind it. Several
//! processes may append to one file: each entry is one write to its end. The compiler makes the
//! keys, of all that a function's code depends on.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use wasmtime::CacheStore;

use super::DIGEST_BYTES;

const HEAD_BYTES: usize = DIGEST_BYTES + 8;
/// Of a key and of a value. The machine code of a function has less, or it is compiled each time.
const KEY_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 16 << 20;
/// Of the file: when it has more, it begins anew. Compiled functions of an interpreter like CPython
/// have 60 MiB.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// What earlier compilations have got done, and what this one adds.
#[derive(Debug)]
pub(super) struct Functions {
    file: File,
    /// Where values lie in the file, and the bytes of their entries in front of them.
    places: Mutex<HashMap<Vec<u8>, Place>>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    entry: u64,
    value_bytes: usize,
}

impl Functions {
    /// Those of the file at `path`, which is made when it is missing. Whatever follows an entry
    /// that was cut short is forgotten.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let mut bytes = file.metadata()?.len();
        if bytes > FILE_BYTES_MAX {
            file.set_len(0)?;
            bytes = 0;
        }
        let mut places = HashMap::new();
        let mut entry = 0;
        while let Some((key, value_bytes)) = read_head(&file, entry) {
            let end = entry + (HEAD_BYTES + key.len() + value_bytes) as u64;
            if end > bytes {
                break;
            }
            places.insert(key, Place { entry, value_bytes });
            entry = end;
        }
        if entry < bytes {
            file.set_len(entry)?;
        }
        Ok(Self {
            file,
            places: Mutex::new(places),
        })
    }

    fn read(&self, key: &[u8], place: Place) -> Option<Vec<u8>> {
        let mut entry = vec![0; HEAD_BYTES + key.len() + place.value_bytes];
        self.file.read_exact_at(&mut entry, place.entry).ok()?;
        let (digest, rest) = entry.split_at(DIGEST_BYTES);
        let is_sound = Sha256::digest(rest).as_slice() == digest;
        // The file may have been cut by another process and be longer again.
        let is_same = entry[HEAD_BYTES..].starts_with(key);
        (is_sound && is_same).then(|| entry.split_off(HEAD_BYTES + key.len()))
    }

    fn append(&self, key: &[u8], value: &[u8]) -> io::Result<()> {
        if key.len() > KEY_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut entry = vec![0; DIGEST_BYTES];
        for part in [key, value] {
            entry.extend((part.len() as u32).to_le_bytes());
        }
        entry.extend(key);
        entry.extend(value);
        let digest = Sha256::digest(&entry[DIGEST_BYTES..]);
        entry[..DIGEST_BYTES].copy_from_slice(&digest);
        (&self.file).write_all(&entry)
    }
}

/// Key and size of the value of the entry at `offset`, if there is one that may be whole.
fn read_head(file: &File, offset: u64) -> Option<(Vec<u8>, usize)> {
    let mut head = [0; HEAD_BYTES];
    file.read_exact_at(&mut head, offset).ok()?;
    let number = |at: usize| head[at..at + 4].try_into().map(u32::from_le_bytes);
    let key_bytes = number(DIGEST_BYTES).ok()? as usize;
    let value_bytes = number(DIGEST_BYTES + 4).ok()? as usize;
    if key_bytes > KEY_BYTES_MAX || value_bytes > VALUE_BYTES_MAX {
        return None;
    }
    let mut key = vec![0; key_bytes];
    file.read_exact_at(&mut key, offset + HEAD_BYTES as u64)
        .ok()?;
    Some((key, value_bytes))
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = *places.get(key)?;
        drop(places);
        self.read(key, place).map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let kept = self.append(key, &value);
        kept.inspect_err(|error| tracing::debug!(%error, "keep a compiled function"))
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_at_the_next_start_up_to_where_it_was_cut() {
        let folder = crate::cache::tests::folder("functions");
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("functions");
        let functions = Functions::open(&path).unwrap();
        assert!(functions.insert(b"one", vec![1; 1000]));
        assert!(functions.insert(b"two", vec![2; 10]));
        assert!(!functions.insert(&[0; KEY_BYTES_MAX + 1], vec![]));
        let value = |functions: &Functions, key: &[u8]| functions.get(key).map(Cow::into_owned);
        let functions = Functions::open(&path).unwrap();
        assert_eq!(value(&functions, b"one"), Some(vec![1; 1000]));
        assert_eq!(value(&functions, b"two"), Some(vec![2; 10]));
        assert_eq!(value(&functions, b"three"), None);

        let length = std::fs::metadata(&path).unwrap().len();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(length - 1).unwrap();
        let functions = Functions::open(&path).unwrap();
        assert_eq!(value(&functions, b"two"), None, "cut short");
        assert!(functions.insert(b"three", vec![3]));
        let functions = Functions::open(&path).unwrap();
        assert_eq!(value(&functions, b"one"), Some(vec![1; 1000]));
        assert_eq!(value(&functions, b"three"), Some(vec![3]));

        file.write_all_at(&[9], HEAD_BYTES as u64 + 100).unwrap();
        assert_eq!(value(&functions, b"one"), None, "changed");
        std::fs::write(&path, [0xff; 100]).unwrap();
        let functions = Functions::open(&path).unwrap();
        assert_eq!(value(&functions, b"one"), None, "no entry at all");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
