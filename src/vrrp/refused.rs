//! Why advertisements are refused: in words, and counted by kind.

use std::net::IpAddr;

use crate::program::{Value, Why};
use crate::time::Duration;

/// Why an advertisement was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    TooShort { is: usize, expected: usize },
    TooLong { is: usize, expected: usize },
    Ttl(u8),
    TtlRange { is: u8, least: u8, most: u8 },
    Version { is: u8, expected: u8 },
    AuthType { is: u8, expected: u8 },
    Password,
    Interval { is: Duration, own: Duration },
    Type(u8),
    Checksum,
    AddressCount { is: u8, expected: u8 },
    AddressMissing(IpAddr),
    Stranger(IpAddr),
    NoTrailer,
    Trailer,
    Stale,
    UnknownKey(u8),
    Code,
    Replayed,
    Owner,
}

impl Refused {
    /// Which kind it is: an index into [`KINDS`].
    fn kind(self) -> usize {
        match self {
            Refused::TooShort { .. } => 0,
            Refused::TooLong { .. } => 1,
            Refused::Ttl(_) | Refused::TtlRange { .. } => 2,
            Refused::Version { .. } => 3,
            Refused::AuthType { .. } => 4,
            Refused::Password => 5,
            Refused::Interval { .. } => 6,
            Refused::Type(_) => 7,
            Refused::Checksum => 8,
            Refused::AddressCount { .. } => 9,
            Refused::AddressMissing(_) => 10,
            Refused::Stranger(_) => 11,
            Refused::NoTrailer => 12,
            Refused::Trailer => 13,
            Refused::Stale => 14,
            Refused::UnknownKey(_) => 15,
            Refused::Code => 16,
            Refused::Replayed => 17,
            Refused::Owner => 18,
        }
    }

    /// In words, where it is a reason to complain and none to refuse.
    pub(crate) fn obeyed(self) -> Why {
        let number = |n: u8| Value::Number(n.into());
        match self {
            Refused::AddressCount { is, expected } => {
                Why::with("obeys a master of {} addresses, ours are {}", [number(is), number(expected)])
            }
            Refused::AddressMissing(address) => {
                Why::with("obeys a master that does not have our address {}", [Value::Address(address)])
            }
            other => other.why(),
        }
    }
    /// In words, for the record.
    pub(crate) fn why(self) -> Why {
        let number = |n: usize| Value::Number(n as i64);
        match self {
            Refused::TooShort { is, expected } => {
                Why::with("packet too short, length {} and expect {}", [number(is), number(expected)])
            }
            Refused::TooLong { is, expected } => {
                Why::with("packet too long, length {} and expect {}", [number(is), number(expected)])
            }
            Refused::Ttl(is) => Why::with("invalid TTL {}, expect 255", [number(is.into())]),
            Refused::TtlRange { is, least, most } => {
                let values = [number(is.into()), number(least.into()), number(most.into())];
                Why::with("TTL {} not in range {} - {}", values)
            }
            Refused::Version { is, expected } => {
                Why::with("wrong version {}, expect {}", [number(is.into()), number(expected.into())])
            }
            Refused::AuthType { is, expected } => {
                Why::with("authentication type {}, expect {}", [number(is.into()), number(expected.into())])
            }
            Refused::Password => Why::new("wrong password"),
            Refused::Interval { is, own } => {
                Why::with("advertisement interval {} s, ours {} s", [Value::Seconds(is), Value::Seconds(own)])
            }
            Refused::Type(is) => Why::with("packet type {}, expect 1", [number(is.into())]),
            Refused::Checksum => Why::new("invalid checksum"),
            Refused::AddressCount { is, expected } => {
                Why::with("address count {}, expect {}", [number(is.into()), number(expected.into())])
            }
            Refused::AddressMissing(address) => {
                Why::with("our address {} is not in it", [Value::Address(address)])
            }
            Refused::Stranger(from) => Why::with("{} is not a peer", [Value::Address(from)]),
            Refused::NoTrailer => Why::new("no auth_hmac trailer"),
            Refused::Trailer => Why::new("invalid auth_hmac trailer"),
            Refused::Stale => Why::new("auth_hmac: its time is outside the window"),
            Refused::UnknownKey(id) => Why::with("auth_hmac: unknown key {}", [number(id.into())]),
            Refused::Code => Why::new("auth_hmac: wrong code"),
            Refused::Replayed => Why::new("auth_hmac: replayed"),
            Refused::Owner => Why::new("we own the address, and owner_ignore_adverts"),
        }
    }
}

/// The kinds of refusals, for people.
const KINDS: [&str; 19] = [
    "too short",
    "too long",
    "wrong TTL",
    "wrong version",
    "wrong authentication type",
    "wrong password",
    "other interval",
    "wrong type",
    "invalid checksum",
    "other number of addresses",
    "other addresses",
    "not a peer",
    "no auth_hmac trailer",
    "invalid auth_hmac trailer",
    "auth_hmac time outside the window",
    "unknown auth_hmac key",
    "wrong auth_hmac code",
    "replayed",
    "for the owner",
];

/// How many advertisements were refused, by kind, and which kinds the log has heard of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals {
    counts: [u64; KINDS.len()],
    /// Bits by kind. A flood of one kind is one line; the next change of state begins anew (as 2.2.7).
    said: u32,
}

impl Refusals {
    /// Counts one. Whether the log is to say so.
    pub(crate) fn count(&mut self, refused: Refused) -> bool {
        let kind = refused.kind();
        self.counts[kind] = self.counts[kind].saturating_add(1);
        let news = self.said & 1 << kind == 0;
        self.said |= 1 << kind;
        news
    }
    /// What is refused from now on is news.
    pub(crate) fn begin_anew(&mut self) {
        self.said = 0;
    }
    /// The kinds that were seen, and how often.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        KINDS.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_counted_and_said_once() {
        let mut refusals = Refusals::default();
        let said: Vec<bool> =
            [Refused::Password, Refused::Checksum, Refused::Password].map(|r| refusals.count(r)).into();
        assert_eq!(said, [true, true, false]);
        let counts: Vec<_> = refusals.counts().collect();
        assert_eq!(counts, [("wrong password", 2), ("invalid checksum", 1)]);
        refusals.begin_anew();
        assert!(refusals.count(Refused::Password), "news again after a change of state");
    }

    #[test]
    fn a_refusal_says_what_keepalived_users_search_for() {
        let refused = Refused::TooShort { is: 32, expected: 40 };
        assert_eq!(refused.why().to_string(), "packet too short, length 32 and expect 40");
    }
}
