//! The blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian.

use havip::time::Time;

use crate::world::EniSetup;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const LINKTYPE_ETHERNET: u16 = 1;

const OPT_END: u16 = 0;
const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_IPV4ADDR: u16 = 4;
const IF_IPV6ADDR: u16 = 5;
const IF_MACADDR: u16 = 6;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;

/// Decimal digits of a second: nanoseconds.
const NANOSECONDS: u8 = 9;

/// Which way a frame went, as seen by its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Inbound = 0b01,
    Outbound = 0b10,
}

/// Begins a file.
pub(super) fn section(out: &mut Vec<u8>, comment: &str) {
    block(out, SECTION, |body| {
        body.extend(BYTE_ORDER.to_le_bytes());
        body.extend(1u16.to_le_bytes()); // major version
        body.extend(0u16.to_le_bytes()); // minor version
        body.extend((-1i64).to_le_bytes()); // the section's length is not told
        option(body, OPT_COMMENT, comment.as_bytes());
        option(body, SHB_USERAPPL, b"havip-sim");
        option(body, OPT_END, &[]);
    });
}

/// An interface; the first is number 0.
pub(super) fn interface(out: &mut Vec<u8>, name: &str, about: &str, has: Option<&EniSetup>) {
    block(out, INTERFACE, |body| {
        body.extend(LINKTYPE_ETHERNET.to_le_bytes());
        body.extend([0, 0]); // reserved
        body.extend(0u32.to_le_bytes()); // snap length: no limit
        option(body, IF_NAME, name.as_bytes());
        option(body, IF_DESCRIPTION, about.as_bytes());
        if let Some(eni) = has {
            let net = eni.address;
            option(body, IF_IPV4ADDR, &[net.addr().octets(), net.netmask().octets()].concat());
            if let Some(net) = eni.ipv6 {
                option(body, IF_IPV6ADDR, &[&net.addr().octets()[..], &[net.prefix_len()]].concat());
            }
            option(body, IF_MACADDR, &eni.mac.0);
        }
        option(body, IF_TSRESOL, &[NANOSECONDS]);
        option(body, OPT_END, &[]);
    });
}

/// A frame on an interface.
pub(super) fn packet(
    out: &mut Vec<u8>,
    interface: u32,
    utc: Time,
    direction: Direction,
    frame: &[u8],
    comments: &[String],
) {
    block(out, PACKET, |body| {
        let nanos = utc.as_nanos();
        let len = (frame.len() as u32).to_le_bytes();
        body.extend(interface.to_le_bytes());
        body.extend(((nanos >> 32) as u32).to_le_bytes());
        body.extend((nanos as u32).to_le_bytes());
        body.extend(len); // captured
        body.extend(len); // original
        body.extend(frame);
        pad(body);
        for comment in comments {
            option(body, OPT_COMMENT, comment.as_bytes());
        }
        option(body, EPB_FLAGS, &(direction as u32 | reception(frame) << 2).to_le_bytes());
        option(body, OPT_END, &[]);
    });
}

/// Unicast, multicast or broadcast, as the flags word has it.
fn reception(frame: &[u8]) -> u32 {
    match frame.get(..6) {
        Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) => 3,
        Some([first, ..]) if first & 1 == 1 => 2,
        _ => 1,
    }
}

/// Type, length, body, length again.
fn block(out: &mut Vec<u8>, kind: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    fill(out);
    let len = ((out.len() - start + 4) as u32).to_le_bytes();
    out[start + 4..start + 8].copy_from_slice(&len);
    out.extend(len);
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    // A longer text would need a longer length field: none here comes near.
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    pad(body);
}

/// Everything in a block is padded to 32 bits; what stands before a block's body is a multiple of that.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}
