//! BFD control packets (RFC 5880 section 4.1), without authentication.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | vers|  diag   |sta|P|F|C|A|D|M|  detect mult  |    length     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       my discriminator                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      your discriminator                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          desired min tx interval, in microseconds             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          required min rx interval, in microseconds            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     required min echo rx interval: 0, none are answered       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::{Error, Layer, array, at_least};

/// The length in bytes without authentication.
pub const LEN: usize = 24;
/// The UDP port of control packets over one hop (RFC 5881 section 4).
pub const PORT: u16 = 3784;

const VERSION: u8 = 1;
const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const AUTHENTICATION: u8 = 0x04;
const MULTIPOINT: u8 = 0x01;

/// What a side takes its session to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Switched off by a person.
    AdminDown = 0,
    /// Nothing was heard.
    Down = 1,
    /// The other one was heard, and says that it has heard nothing.
    Init = 2,
    /// Both are heard.
    Up = 3,
}

/// Why a side's session left `Up` last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic(pub u8);

impl Diagnostic {
    /// It has not.
    pub const NONE: Diagnostic = Diagnostic(0);
    /// Nothing came for the detection time.
    pub const EXPIRED: Diagnostic = Diagnostic(1);
    /// The neighbour said so.
    pub const NEIGHBOUR_SIGNALLED_DOWN: Diagnostic = Diagnostic(3);
}

/// What a control packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// The sender's state.
    pub state: State,
    /// Why it left `Up` last.
    pub diagnostic: Diagnostic,
    /// It wants an answer at once.
    pub poll: bool,
    /// This is that answer.
    pub is_final: bool,
    /// How many of its packets may be missing.
    pub multiplier: u8,
    /// The sender's number for the session, never 0.
    pub mine: u32,
    /// The receiver's number for it, as the sender has heard; 0 if it has not.
    pub yours: u32,
    /// How often it would like to send, in microseconds.
    pub min_tx_us: u32,
    /// How often it is able to hear, in microseconds.
    pub min_rx_us: u32,
}

impl Repr {
    /// Reads a packet, by the checks of RFC 5880 section 6.8.6 that need no session.
    pub fn parse(bytes: &[u8]) -> Result<Repr, Error> {
        at_least(Layer::Bfd, LEN, bytes)?;
        let invalid = |why| Err(Error::Invalid { layer: Layer::Bfd, why });
        let (version, flags, stated) = (bytes[0] >> 5, bytes[1], usize::from(bytes[3]));
        if version != VERSION {
            return Err(Error::Unsupported { layer: Layer::Bfd, field: "version", value: version.into() });
        }
        if stated < LEN || stated > bytes.len() {
            return Err(Error::BadLength { layer: Layer::Bfd, stated, found: bytes.len() });
        }
        let repr = Repr {
            state: [State::AdminDown, State::Down, State::Init, State::Up][usize::from(flags >> 6)],
            diagnostic: Diagnostic(bytes[0] & 0x1f),
            poll: flags & POLL != 0,
            is_final: flags & FINAL != 0,
            multiplier: bytes[2],
            mine: u32::from_be_bytes(array(bytes, 4)),
            yours: u32::from_be_bytes(array(bytes, 8)),
            min_tx_us: u32::from_be_bytes(array(bytes, 12)),
            min_rx_us: u32::from_be_bytes(array(bytes, 16)),
        };
        match repr {
            _ if flags & AUTHENTICATION != 0 => invalid("authentication is not spoken here"),
            _ if flags & MULTIPOINT != 0 => invalid("its multipoint bit is set"),
            Repr { multiplier: 0, .. } => invalid("its detect multiplier is 0"),
            Repr { mine: 0, .. } => invalid("its discriminator is 0"),
            Repr { yours: 0, state: State::Init | State::Up, .. } => invalid("it names no session"),
            _ => Ok(repr),
        }
    }

    /// Writes the packet.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`LEN`].
    pub fn emit(&self, buffer: &mut [u8]) {
        let bytes = &mut buffer[..LEN];
        bytes[0] = VERSION << 5 | self.diagnostic.0 & 0x1f;
        let flag = |is: bool, bit: u8| if is { bit } else { 0 };
        bytes[1] = (self.state as u8) << 6 | flag(self.poll, POLL) | flag(self.is_final, FINAL);
        (bytes[2], bytes[3]) = (self.multiplier, LEN as u8);
        let words = [self.mine, self.yours, self.min_tx_us, self.min_rx_us, 0];
        for (to, word) in bytes[4..].chunks_mut(4).zip(words) {
            to.copy_from_slice(&word.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Repr = Repr {
        state: State::Up,
        diagnostic: Diagnostic::EXPIRED,
        poll: true,
        is_final: false,
        multiplier: 5,
        mine: 1,
        yours: 0x0102_0304,
        min_tx_us: 10_000,
        min_rx_us: 1_000_000,
    };

    fn bytes(repr: Repr) -> [u8; LEN] {
        let mut bytes = [0xff; LEN];
        repr.emit(&mut bytes);
        bytes
    }

    #[test]
    fn a_packet_is_what_rfc_5880_draws() {
        let expected =
            [0x21, 0xe0, 5, 24, 0, 0, 0, 1, 1, 2, 3, 4, 0, 0, 0x27, 0x10, 0, 0x0f, 0x42, 0x40, 0, 0, 0, 0];
        assert_eq!(bytes(UP), expected);
        assert_eq!(Repr::parse(&expected), Ok(UP));
        let reply = Repr { poll: false, is_final: true, state: State::AdminDown, yours: 0, ..UP };
        assert_eq!(bytes(reply)[1], 0x10);
        assert_eq!(Repr::parse(&bytes(reply)), Ok(reply));
    }

    #[test]
    fn what_rfc_5880_discards_is_refused() {
        let changed = |at: usize, with: u8| {
            let mut bytes = bytes(UP);
            bytes[at] = with;
            Repr::parse(&bytes)
        };
        assert!(changed(0, 0x41).is_err(), "version 2");
        assert!(changed(3, 23).is_err() && changed(3, 25).is_err(), "a length that is not there");
        assert!(changed(1, 0xe4).is_err(), "authentication");
        assert!(changed(1, 0xe1).is_err(), "multipoint");
        assert!(changed(2, 0).is_err() && changed(7, 0).is_err(), "multiplier, discriminator");
        assert!(Repr::parse(&bytes(Repr { yours: 0, ..UP })).is_err(), "up, and has heard nobody");
        assert!(Repr::parse(&bytes(Repr { yours: 0, state: State::Down, ..UP })).is_ok());
        for len in 0..LEN {
            assert!(Repr::parse(&bytes(UP)[..len]).is_err(), "{len}");
        }
    }
}
