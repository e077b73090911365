//! Ethernet II (placeholder for the hardware address; the codec follows).

use std::fmt;

/// A hardware address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Every machine of the segment.
    pub const BROADCAST: Mac = Mac([0xff; 6]);
    /// No machine: what an ARP request knows of its target.
    pub const UNSPECIFIED: Mac = Mac([0; 6]);
    /// Whether a frame to it is for a group (broadcast is one).
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
