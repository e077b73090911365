//! The trailer of keepalived's `auth_hmac` (2.4.0 and later; nobody else has it): who sent an advertisement, and
//! that it is no old one.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |    scheme     |    key ID     |             zero              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |              seconds since 1970, modulo 2^32                  |  \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+   the stamp
//! |   2^-16 parts of a second     |            counter            |  /
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   the front of an HMAC-SHA256 (RFC 2104, RFC 6234; 16 bytes)  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! It stands behind a message of any version, within the IP packet's length. The code covers a pseudo header of
//! 20 bytes (family, version, VRID, zero, the source address filled to 16 bytes), the message as if its checksum
//! were zero, the trailer to the stamp, and 16 zero bytes for itself. It does not cover the destination: a copy
//! for another peer has the same code.
//!
//! Over IPv4 the message's checksum does not cover the trailer; over IPv6 it does, since the kernel writes it.

use std::fmt;
use std::net::IpAddr;

use ::hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::vrrp::{self, ChecksumRule};
use super::{Error, Layer, array, at_least, u16_at};
use crate::time::{Duration, Time};

/// The length of the trailer in bytes.
pub const LEN: usize = 28;
/// The length of the code in bytes.
pub const CODE_LEN: usize = 16;
/// How long a key is at least, in bytes.
pub const KEY_LEN_MIN: usize = 32;
/// How long a key is at most, in bytes: one block of SHA-256.
pub const KEY_LEN_MAX: usize = 64;
/// The only scheme there is: HMAC-SHA256, of which 128 bits are sent.
pub const SCHEME: u8 = 1;

/// What of the trailer the code covers: all before the code.
const HEAD_LEN: usize = LEN - CODE_LEN;

/// A secret that two machines share. `Debug` does not print it, there is no `Display`, and `==` takes the same
/// time whatever it compares.
#[derive(Clone, Eq)]
pub struct Key([u8; KEY_LEN_MAX]);

impl Key {
    /// Refuses fewer than [`KEY_LEN_MIN`] bytes and more than [`KEY_LEN_MAX`].
    pub fn new(bytes: &[u8]) -> Result<Key, KeyLengthError> {
        if !(KEY_LEN_MIN..=KEY_LEN_MAX).contains(&bytes.len()) {
            return Err(KeyLengthError { found: bytes.len() });
        }
        // RFC 2104 section 2: "append zeros to the end of K to create a B byte string": the length itself is
        // not asked for again.
        let mut key = [0; KEY_LEN_MAX];
        key[..bytes.len()].copy_from_slice(bytes);
        Ok(Key(key))
    }

    /// The running code of nothing.
    fn begin(&self) -> Hmac<Sha256> {
        Hmac::new((&self.0).into())
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        std::hint::black_box(pairs.fold(0, |difference, (a, b)| difference | (a ^ b))) == 0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// A key has too few bytes, or too many. It goes on from "failed to".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("take a key of {found} bytes: {min} to {max} are expected", min = KEY_LEN_MIN, max = KEY_LEN_MAX)]
pub struct KeyLengthError {
    /// How many it has.
    pub found: usize,
}

/// When a message was sent, by its sender's clock, and which of that instant's: one 64-bit number, compared as a
/// serial number. Each message of a sender has a later one than the message before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Of its three fields.
    pub const fn new(seconds: u32, fraction: u16, counter: u16) -> Stamp {
        Stamp((seconds as u64) << 32 | (fraction as u64) << 16 | counter as u64)
    }
    /// The first of the instant `utc`, which is since 1970.
    pub const fn at(utc: Time) -> Stamp {
        let (seconds, nanos) = (utc.as_nanos() / 1_000_000_000, utc.as_nanos() % 1_000_000_000);
        Stamp::new(seconds as u32, ((nanos << 16) / 1_000_000_000) as u16, 0)
    }
    /// What to send at `utc`, if `last` was sent before: by the clock, or the next number where the clock has
    /// not gone on, or went back.
    pub fn following(last: Option<Stamp>, utc: Time) -> Stamp {
        let clock = Stamp::at(utc);
        match last {
            Some(last) if !clock.is_after(last) => Stamp(last.0.wrapping_add(1)),
            _ => clock,
        }
    }
    /// Whether it is later than `other`; neither is, of two that are half of all numbers apart.
    pub const fn is_after(self, other: Stamp) -> bool {
        // RFC 1982 section 3.2: s1 is greater than s2 if "i1 < i2 and i2 - i1 > 2^(SERIAL_BITS - 1)" or "i1 >
        // i2 and i1 - i2 < 2^(SERIAL_BITS - 1)": the seconds may begin at zero again, as they do in 2106.
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }
    /// Whether it is from at most `window` before `utc` or after it. Whole seconds are compared.
    pub const fn is_fresh(self, utc: Time, window: Duration) -> bool {
        let ago = Stamp::at(utc).seconds().wrapping_sub(self.seconds()).cast_signed();
        ago.unsigned_abs() as u64 <= window.as_secs()
    }
    /// Since 1970, modulo 2^32.
    pub const fn seconds(self) -> u32 {
        (self.0 >> 32) as u32
    }
    /// Parts of a second, of which 2^16 are one.
    pub const fn fraction(self) -> u16 {
        (self.0 >> 16) as u16
    }
    /// Which of the instant's.
    pub const fn counter(self) -> u16 {
        self.0 as u16
    }
}

impl fmt::Display for Stamp {
    /// `1700000000.250000+3`: seconds, microseconds, counter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = (u64::from(self.fraction()) * 1_000_000) >> 16;
        write!(f, "{}.{micros:06}+{}", self.seconds(), self.counter())
    }
}

/// A trailer in a buffer that is at least [`LEN`] bytes long.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Refuses a buffer that has not all the fields.
    pub fn new(buffer: T) -> Result<Self, Error> {
        at_least(Layer::HmacTrailer, LEN, buffer.as_ref())?;
        Ok(Packet { buffer })
    }
    /// How the code is made; see [`SCHEME`].
    pub fn scheme(&self) -> u8 {
        self.buffer.as_ref()[0]
    }
    /// With which of the keys.
    pub fn key_id(&self) -> u8 {
        self.buffer.as_ref()[1]
    }
    /// Zero.
    pub fn reserved(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 2)
    }
    /// When the message was sent.
    pub fn stamp(&self) -> Stamp {
        Stamp(u64::from_be_bytes(array(self.buffer.as_ref(), 4)))
    }
    /// The code as received. To compare it is [`Repr::verify`]'s business.
    pub fn code(&self) -> [u8; CODE_LEN] {
        array(self.buffer.as_ref(), HEAD_LEN)
    }
}

/// A trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Which of the keys it was made with.
    pub key_id: u8,
    /// When the message was sent.
    pub stamp: Stamp,
    /// What only who has the key can make of the message.
    pub code: [u8; CODE_LEN],
}

/// What makes a trailer of a message.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// Which of the receiver's keys this is.
    pub key_id: u8,
    /// The key.
    pub key: &'a Key,
    /// When the message is sent; see [`Stamp::following`].
    pub stamp: Stamp,
}

impl Repr {
    /// The trailer for `message` from `source`; none for a message that is cut short. What follows the message,
    /// and its checksum, are not looked at.
    pub fn sign(
        signing: &Signing<'_>,
        source: impl Into<IpAddr>,
        message: &vrrp::Packet<&[u8]>,
    ) -> Option<Repr> {
        let unsigned = Repr { key_id: signing.key_id, stamp: signing.stamp, code: [0; CODE_LEN] };
        let digest = unsigned.covered(signing.key, source.into(), message)?.finalize().into_bytes();
        // RFC 2104 section 5: "applications of HMAC can choose to truncate the output of HMAC by outputting
        // the t leftmost bits of the HMAC computation".
        Some(Repr { code: array(&digest, 0), ..unsigned })
    }

    /// Whether it was made of `message` from `source`, with `key`. The time it takes does not tell where the
    /// first difference is.
    pub fn verify(&self, key: &Key, source: impl Into<IpAddr>, message: &vrrp::Packet<&[u8]>) -> bool {
        let covered = self.covered(key, source.into(), message);
        covered.is_some_and(|covered| covered.verify_truncated_left(&self.code).is_ok())
    }

    /// The running code of all that it covers.
    fn covered(&self, key: &Key, source: IpAddr, message: &vrrp::Packet<&[u8]>) -> Option<Hmac<Sha256>> {
        let bytes = message.without_trailer()?.as_bytes();
        let (before, rest) = bytes.split_at_checked(6)?;
        let (_checksum, after) = rest.split_at_checked(2)?;
        let mut pseudo = [0; 20];
        pseudo[1] = message.version();
        pseudo[2] = message.vrid();
        match source {
            IpAddr::V4(source) => {
                pseudo[0] = 4;
                pseudo[4..8].copy_from_slice(&source.octets());
            }
            IpAddr::V6(source) => {
                pseudo[0] = 6;
                pseudo[4..].copy_from_slice(&source.octets());
            }
        }
        let head = self.head();
        let covered: [&[u8]; 6] = [&pseudo, before, &[0; 2], after, &head, &[0; CODE_LEN]];
        Some(covered.into_iter().fold(key.begin(), Mac::chain_update))
    }

    /// The bytes before the code.
    fn head(&self) -> [u8; HEAD_LEN] {
        let mut head = [0; HEAD_LEN];
        head[0] = SCHEME;
        head[1] = self.key_id;
        head[4..].copy_from_slice(&self.stamp.0.to_be_bytes());
        head
    }

    /// The trailer that `packet` begins with. Refuses another scheme, and reserved bits that are not zero.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Result<Repr, Error> {
        let layer = Layer::HmacTrailer;
        if packet.scheme() != SCHEME {
            return Err(Error::Unsupported { layer, field: "scheme", value: packet.scheme().into() });
        }
        // keepalived refuses it too: what these bits will mean, nobody can have meant yet.
        if packet.reserved() != 0 {
            return Err(Error::Unsupported { layer, field: "reserved field", value: packet.reserved() });
        }
        Ok(Repr { key_id: packet.key_id(), stamp: packet.stamp(), code: packet.code() })
    }

    /// The trailer behind `message`; none if nothing follows it.
    pub fn behind(message: &vrrp::Packet<&[u8]>) -> Option<Result<Repr, Error>> {
        let trailer = message.trailer();
        (!trailer.is_empty()).then(|| Packet::new(trailer).and_then(|packet| Repr::parse(&packet)))
    }

    /// The length of the trailer in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a trailer is never empty")]
    pub const fn len(&self) -> usize {
        LEN
    }

    /// Writes the trailer to the front of `buffer`.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::len`].
    pub fn emit(&self, buffer: &mut [u8]) {
        let (head, code) = buffer[..LEN].split_at_mut(HEAD_LEN);
        head.copy_from_slice(&self.head());
        code.copy_from_slice(&self.code);
    }
}

/// Writes `message` and its trailer to the front of `buffer`: `message.len()` + [`LEN`] bytes. The rest is as in
/// [`vrrp::Repr::emit`].
///
/// # Panics
///
/// If `buffer` is shorter than that.
pub fn emit(
    message: &vrrp::Repr<'_>,
    signing: &Signing<'_>,
    buffer: &mut [u8],
    rule: ChecksumRule,
    src: impl Into<IpAddr>,
    dst: impl Into<IpAddr>,
) {
    let (src, dst) = (src.into(), dst.into());
    let bytes = &mut buffer[..message.len() + LEN];
    message.emit(bytes, rule, src, dst);
    let family = message.addresses.family();
    // What was just written is no shorter than it says: there always is a trailer.
    let trailer =
        vrrp::Packet::over(family, &bytes[..]).ok().and_then(|written| Repr::sign(signing, src, &written));
    if let Some(trailer) = trailer {
        trailer.emit(&mut bytes[message.len()..]);
    }
    message.write_checksum(bytes, rule, src, dst);
}

impl fmt::Display for Repr {
    /// `auth_hmac key 7 at 1700000000.250000+3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "auth_hmac key {} at {}", self.key_id, self.stamp)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for Packet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Repr::parse(self) {
            Ok(repr) => fmt::Display::fmt(&repr, f),
            Err(error) => write!(f, "auth_hmac (failed to {error})"),
        }
    }
}

#[cfg(test)]
mod tests;
