//! API keys: made at the first start, shown once. A secret is never printed again, and in no log.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

/// A secret key. What is printed of it is that it is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret as it is stored.
    pub fn new(text: String) -> Secret {
        Secret(text)
    }
    /// The secret itself: for the store, for signing, and for whoever is shown it once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Key pairs by their ids.
pub type Keys = BTreeMap<String, Secret>;

/// Makes a key pair from the system's entropy: an id like `AKID…` of 36 characters and a secret of 32.
pub fn make() -> io::Result<(String, Secret)> {
    Ok((format!("AKID{}", letters(32)?), Secret(letters(32)?)))
}

/// A token for the page's forms.
pub fn token() -> io::Result<String> {
    letters(32)
}

/// A seed for a cloud that was given none.
pub fn seed() -> io::Result<u64> {
    let mut bytes = [0; 8];
    entropy(&mut bytes)?;
    // Below 2^53, so that every reader of JSON reads the same number.
    Ok(u64::from_le_bytes(bytes) >> 11)
}

fn letters(count: usize) -> io::Result<String> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::new();
    while text.len() < count {
        let mut bytes = [0; 64];
        entropy(&mut bytes)?;
        // 248 = 4 * 62: each letter is as likely as another.
        let fair = bytes.iter().filter(|&&b| b < 248).map(|&b| char::from(alphabet[usize::from(b) % 62]));
        text.extend(fair.take(count - text.len()));
    }
    Ok(text)
}

fn entropy(bytes: &mut [u8]) -> io::Result<()> {
    std::fs::File::open("/dev/urandom")?.read_exact(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_by_accident() {
        let (id, secret) = make().unwrap();
        assert_eq!((id.len(), secret.reveal().len()), (36, 32));
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert_ne!(make().unwrap().0, id);
    }
}
