//! VRRPv2's authentication: a password in clear, or none.

use std::fmt;
use std::hint::black_box;

use super::AUTH_DATA_LEN;

/// VRRPv2's authentication type (RFC 2338 section 5.3.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthType(pub u8);

impl AuthType {
    /// None, all that RFC 3768 leaves.
    pub const NONE: AuthType = AuthType(0);
    /// A password in clear: keepalived's `auth_type PASS`.
    pub const SIMPLE_TEXT: AuthType = AuthType(1);
    /// The IP authentication header, which is not spoken here: keepalived's `auth_type AH`.
    pub const AUTHENTICATION_HEADER: AuthType = AuthType(2);
}

impl fmt::Display for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            AuthType::NONE => f.write_str("none"),
            AuthType::SIMPLE_TEXT => f.write_str("pass"),
            AuthType::AUTHENTICATION_HEADER => f.write_str("ah"),
            AuthType(other) => write!(f, "type {other}"),
        }
    }
}

impl fmt::Debug for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// VRRPv2's authentication data: a password, padded with zeros. `Debug` does not print it, there is no
/// `Display`, and `==` takes the same time whatever it compares.
#[derive(Clone, Copy, Eq)]
pub struct AuthData([u8; AUTH_DATA_LEN]);

impl AuthData {
    /// The bytes as they go over the wire.
    pub const fn new(bytes: [u8; AUTH_DATA_LEN]) -> AuthData {
        AuthData(bytes)
    }
    /// A password of at most eight bytes; what is longer is cut.
    pub fn from_text(text: &[u8]) -> AuthData {
        // RFC 2338 section 5.3.10: "If the configured authentication string is shorter than 8 bytes, the
        // remaining space MUST be zero-filled."
        let mut bytes = [0; AUTH_DATA_LEN];
        for (slot, byte) in bytes.iter_mut().zip(text) {
            *slot = *byte;
        }
        AuthData(bytes)
    }
    /// The bytes as they go over the wire: a secret.
    pub const fn expose(&self) -> &[u8; AUTH_DATA_LEN] {
        &self.0
    }
}

impl PartialEq for AuthData {
    fn eq(&self, other: &AuthData) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        black_box(pairs.fold(0, |difference, (a, b)| difference | (a ^ b))) == 0
    }
}

impl fmt::Debug for AuthData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthData(***)")
    }
}

/// VRRPv2's authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// [`AuthType::NONE`].
    None,
    /// [`AuthType::SIMPLE_TEXT`].
    SimpleText(AuthData),
}
