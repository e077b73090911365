//! Neighbour discovery for IPv6 over Ethernet (RFC 4861): solicitations and advertisements of neighbours.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     type      |     code      |           checksum            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |R|S|O|                         zero                            |  flags of an advertisement only
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                   target address (16 bytes)                   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | option type   |  its length   |  hardware address (6 bytes)   |  as many options as there are; a
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               |  length counts 8 bytes
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! An unsolicited advertisement to every node is to IPv6 what gratuitous ARP is to IPv4: how an address is
//! announced by who holds it now. The other messages of neighbour discovery, routers' and redirects, are not
//! spoken.

use std::fmt;
use std::net::Ipv6Addr;

use super::ethernet::{self, EtherType, Mac};
use super::ipv6::{self, Protocol, solicited_node};
use super::{Error, Layer, array, at_least, icmpv6, u16_at};

/// The length in bytes of a message without options.
pub const LEN: usize = 24;
/// The length in bytes of a message with one hardware address.
pub const LEN_WITH_MAC: usize = LEN + OPTION_LEN;
/// The length in bytes of a frame with such a message in it.
pub const FRAME_LEN: usize = ethernet::HEADER_LEN + ipv6::HEADER_LEN + LEN_WITH_MAC;
/// The hop limit of every message: it has passed no router.
pub const HOP_LIMIT: u8 = 255;
/// The ICMPv6 type of a solicitation.
pub const SOLICITATION: u8 = 135;
/// The ICMPv6 type of an advertisement.
pub const ADVERTISEMENT: u8 = 136;

const SOURCE_MAC: u8 = 1;
const TARGET_MAC: u8 = 2;
/// The length in bytes of an option with a hardware address of Ethernet in it.
const OPTION_LEN: usize = 8;

/// What an advertisement says besides the address (RFC 4861 section 4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags {
    /// R: the sender forwards packets.
    pub router: bool,
    /// S: it answers a solicitation, and so proves that packets reach the sender.
    pub solicited: bool,
    /// O: what is in a cache about the address is to be overridden.
    pub overrides: bool,
}

impl Flags {
    const ROUTER: u8 = 0x80;
    const SOLICITED: u8 = 0x40;
    const OVERRIDE: u8 = 0x20;

    const fn from_byte(byte: u8) -> Flags {
        // RFC 4861 section 4.4, of the other bits: "It MUST be initialized to zero by the sender and MUST be
        // ignored by the receiver."
        Flags {
            router: byte & Flags::ROUTER != 0,
            solicited: byte & Flags::SOLICITED != 0,
            overrides: byte & Flags::OVERRIDE != 0,
        }
    }

    const fn byte(self) -> u8 {
        (self.router as u8) << 7 | (self.solicited as u8) << 6 | (self.overrides as u8) << 5
    }
}

impl fmt::Display for Flags {
    /// `override`, `solicited override`, or nothing at all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [(self.router, "router"), (self.solicited, "solicited"), (self.overrides, "override")];
        let mut separator = "";
        for (_, word) in words.into_iter().filter(|(is, _)| *is) {
            write!(f, "{separator}{word}")?;
            separator = " ";
        }
        Ok(())
    }
}

/// A message in a buffer that is at least [`LEN`] bytes long and ends where the IP packet does.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Refuses a buffer that has not all the fields.
    pub fn new(buffer: T) -> Result<Self, Error> {
        // RFC 4861 section 7.1.1: "ICMP length (derived from the IP length) is 24 or more octets."
        at_least(Layer::Ndp, LEN, buffer.as_ref())?;
        Ok(Packet { buffer })
    }
    /// The kind of message: [`SOLICITATION`], [`ADVERTISEMENT`], or another of ICMPv6.
    pub fn message_type(&self) -> u8 {
        self.buffer.as_ref()[0]
    }
    /// The kind of that kind, zero in every message.
    pub fn code(&self) -> u8 {
        self.buffer.as_ref()[1]
    }
    /// The checksum as received.
    pub fn checksum(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 2)
    }
    /// Whether the message is as it was sent from `src` to `dst`.
    pub fn verify_checksum(&self, src: Ipv6Addr, dst: Ipv6Addr) -> bool {
        icmpv6::sum(self.buffer.as_ref(), src, dst).is_valid()
    }
    /// Of an advertisement: what it says besides the address.
    pub fn flags(&self) -> Flags {
        Flags::from_byte(self.buffer.as_ref()[4])
    }
    /// The address that is asked for, or that is announced.
    pub fn target(&self) -> Ipv6Addr {
        array::<16>(self.buffer.as_ref(), 8).into()
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Packet<&'a T> {
    /// The options, to the first that is none.
    pub fn options(&self) -> Options<'a> {
        Options { rest: &self.buffer.as_ref()[LEN..] }
    }
}

/// One option behind the fields of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NdpOption<'a> {
    /// What it is about.
    pub kind: u8,
    /// What it says: 6 bytes, or 8 more, and 8 more.
    pub body: &'a [u8],
}

/// The options of a message, one after the other. After an error there are no more.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<NdpOption<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        let layer = Layer::Ndp;
        match *rest {
            [] => None,
            // RFC 4861 section 4.6: "Nodes MUST silently discard an ND packet that contains an option with
            // length zero." It would never end.
            [_, 0, ..] => Some(Err(Error::Invalid { layer, why: "an option of it has length zero" })),
            [kind, units, ..] => {
                let stated = usize::from(units) * OPTION_LEN;
                let Some((option, after)) = rest.split_at_checked(stated) else {
                    return Some(Err(Error::BadLength { layer, stated, found: rest.len() }));
                };
                self.rest = after;
                Some(Ok(NdpOption { kind, body: &option[2..] }))
            }
            [_] => Some(Err(Error::Truncated { layer, needed: 2, found: 1 })),
        }
    }
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repr {
    /// Who has the target?
    Solicitation {
        /// The address that is asked for.
        target: Ipv6Addr,
        /// The sender's hardware address. A machine that asks before it has an address says none.
        source_mac: Option<Mac>,
    },
    /// The sender has the target.
    Advertisement {
        /// What it says besides.
        flags: Flags,
        /// The address that is announced.
        target: Ipv6Addr,
        /// The hardware address it is at. Who asked one machine, and not a group, knows it already.
        target_mac: Option<Mac>,
    },
}

impl Repr {
    /// The announcement "`address` is at `mac`" in keepalived's form: nobody asked, and whoever knew otherwise
    /// is overridden. `router` is whether the machine forwards IPv6.
    pub const fn announcement(mac: Mac, address: Ipv6Addr, router: bool) -> Repr {
        // RFC 9568 section 6.4.2 wants R set. keepalived sets it where the kernel forwards, which is true of
        // what it says: RFC 4861 section 4.4, "When set, the R-bit indicates that the sender is a router."
        let flags = Flags { router, solicited: false, overrides: true };
        Repr::Advertisement { flags, target: address, target_mac: Some(mac) }
    }

    /// The question "who has `target`?" of the machine at `mac`.
    pub const fn solicitation(mac: Mac, target: Ipv6Addr) -> Repr {
        Repr::Solicitation { target, source_mac: Some(mac) }
    }

    /// The answer to this solicitation, which came from `asker`, by `mac`, which has the target: the message,
    /// and to whom it goes. An advertisement has none.
    pub fn reply(&self, asker: Ipv6Addr, mac: Mac, router: bool) -> Option<(Repr, Ipv6Addr)> {
        let Repr::Solicitation { target, .. } = *self else { return None };
        // RFC 4861 section 7.2.4: "If the source of the solicitation is the unspecified address, the node MUST
        // set the Solicited flag to zero and multicast the advertisement to the all-nodes address. Otherwise,
        // the node MUST set the Solicited flag to one and unicast the advertisement to the Source Address of
        // the solicitation."
        let solicited = !asker.is_unspecified();
        let to = if solicited { asker } else { ipv6::ALL_NODES };
        let flags = Flags { router, solicited, overrides: true };
        Some((Repr::Advertisement { flags, target, target_mac: Some(mac) }, to))
    }

    /// Whether it announces an address that nobody asked for, and says where it is.
    pub fn is_unsolicited(&self) -> bool {
        match self {
            Repr::Advertisement { flags, target_mac, .. } => !flags.solicited && target_mac.is_some(),
            Repr::Solicitation { .. } => false,
        }
    }

    /// The message that a packet with the header `ip` carries. Refuses what RFC 4861 says to discard without a
    /// word: sections 7.1.1 and 7.1.2, whose sentences stand beside the lines.
    pub fn parse<T: AsRef<[u8]> + ?Sized>(packet: &Packet<&T>, ip: &ipv6::Repr) -> Result<Repr, Error> {
        let layer = Layer::Ndp;
        let invalid = |why| Err(Error::Invalid { layer, why });
        let unsupported = |field, value: u8| Err(Error::Unsupported { layer, field, value: value.into() });
        // "The IP Hop Limit field has a value of 255, i.e., the packet could not possibly have been forwarded
        // by a router."
        if ip.hop_limit != HOP_LIMIT {
            return invalid("its hop limit is not 255");
        }
        // "ICMP Checksum is valid."
        if !packet.verify_checksum(ip.src, ip.dst) {
            return Err(Error::BadChecksum { layer });
        }
        // "ICMP Code is 0."
        if packet.code() != 0 {
            return unsupported("code", packet.code());
        }
        // "Target Address is not a multicast address."
        let target = packet.target();
        if target.is_multicast() {
            return invalid("its target is a group");
        }
        match packet.message_type() {
            SOLICITATION => {
                let source_mac = mac_in(packet.options(), SOURCE_MAC)?;
                // "If the IP source address is the unspecified address, the IP destination address is a
                // solicited-node multicast address."
                if ip.src.is_unspecified() && ip.dst != solicited_node(target) {
                    return invalid("it asks without an address, and not the target's group");
                }
                // "If the IP source address is the unspecified address, there is no source link-layer address
                // option in the message."
                if ip.src.is_unspecified() && source_mac.is_some() {
                    return invalid("it asks without an address, and says where it is");
                }
                Ok(Repr::Solicitation { target, source_mac })
            }
            ADVERTISEMENT => {
                let flags = packet.flags();
                // "If the IP Destination Address is a multicast address the Solicited flag is zero."
                if ip.dst.is_multicast() && flags.solicited {
                    return invalid("it goes to a group and says that it was solicited");
                }
                Ok(Repr::Advertisement { flags, target, target_mac: mac_in(packet.options(), TARGET_MAC)? })
            }
            other => unsupported("type", other),
        }
    }

    /// The length of the message in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a message is never empty")]
    pub const fn len(&self) -> usize {
        let (Repr::Solicitation { source_mac: mac, .. } | Repr::Advertisement { target_mac: mac, .. }) = self;
        if mac.is_some() { LEN_WITH_MAC } else { LEN }
    }

    /// The header of a packet from `src` to `dst` with this message in it, as Linux and keepalived write it:
    /// hop limit 255, everything else zero.
    pub const fn header(&self, src: Ipv6Addr, dst: Ipv6Addr) -> ipv6::Repr {
        ipv6::Repr {
            src,
            dst,
            next_header: Protocol::ICMPV6,
            hop_limit: HOP_LIMIT,
            traffic_class: 0,
            flow_label: 0,
            payload_len: self.len() as u16,
        }
    }

    /// Writes the message, its checksum from `src` to `dst` included, to the front of `buffer`.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::len`].
    pub fn emit(&self, buffer: &mut [u8], src: Ipv6Addr, dst: Ipv6Addr) {
        let message = &mut buffer[..self.len()];
        let (message_type, flags, target, option) = match *self {
            Repr::Solicitation { target, source_mac } => {
                (SOLICITATION, Flags::default(), target, source_mac.map(|mac| (SOURCE_MAC, mac)))
            }
            Repr::Advertisement { flags, target, target_mac } => {
                (ADVERTISEMENT, flags, target, target_mac.map(|mac| (TARGET_MAC, mac)))
            }
        };
        message[..8].copy_from_slice(&[message_type, 0, 0, 0, flags.byte(), 0, 0, 0]);
        message[8..24].copy_from_slice(&target.octets());
        if let Some((kind, mac)) = option {
            message[24] = kind;
            message[25] = 1;
            message[26..32].copy_from_slice(&mac.0);
        }
        let checksum = icmpv6::sum(message, src, dst).finish();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// The unsolicited advertisement "`address` is at `mac`" in a frame, as keepalived sends it: 86 bytes from the
/// address itself to every node. `router` is whether the machine forwards IPv6.
pub fn announcement_frame(mac: Mac, address: Ipv6Addr, router: bool) -> [u8; FRAME_LEN] {
    frame(&Repr::announcement(mac, address, router), mac, address, ipv6::ALL_NODES)
}

/// The question "who has `target`?" in a frame from `address`, which is at `mac`, to the target's group.
pub fn solicitation_frame(mac: Mac, address: Ipv6Addr, target: Ipv6Addr) -> [u8; FRAME_LEN] {
    frame(&Repr::solicitation(mac, target), mac, address, solicited_node(target))
}

/// `message`, which has a hardware address in it, in a frame to a group.
fn frame(message: &Repr, mac: Mac, src: Ipv6Addr, group: Ipv6Addr) -> [u8; FRAME_LEN] {
    let mut frame = [0; FRAME_LEN];
    let header = ethernet::Repr { dst: Mac::for_multicast_v6(group), src: mac, ethertype: EtherType::IPV6 };
    let packet = header.emit(&mut frame);
    message.emit(message.header(src, group).emit(packet), src, group);
    frame
}

/// The first hardware address of this kind among `options`, every one of which must be an option.
fn mac_in(options: Options<'_>, kind: u8) -> Result<Option<Mac>, Error> {
    let mut found = None;
    for option in options {
        let option = option?;
        // RFC 4861 section 7.1.1: "The contents of any defined options that are not specified to be used with
        // Neighbor Solicitation messages MUST be ignored and the packet processed as normal."
        if option.kind != kind || found.is_some() {
            continue;
        }
        let mac = option.body.try_into().map_err(|_| Error::BadLength {
            layer: Layer::Ndp,
            stated: option.body.len() + 2,
            found: OPTION_LEN,
        })?;
        found = Some(Mac(mac));
    }
    Ok(found)
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Repr::Solicitation { target, source_mac } => {
                write!(f, "ns who has {target}")?;
                match source_mac {
                    Some(mac) => write!(f, ", tell {mac}"),
                    None => Ok(()),
                }
            }
            Repr::Advertisement { flags, target, target_mac } => {
                let kind = if flags.solicited { "na" } else { "unsolicited na" };
                write!(f, "{kind} {target} is ")?;
                match target_mac {
                    Some(mac) => write!(f, "at {mac}")?,
                    None => f.write_str("here")?,
                }
                if flags == Flags::default() { Ok(()) } else { write!(f, " ({flags})") }
            }
        }
    }
}

#[cfg(test)]
mod tests;
