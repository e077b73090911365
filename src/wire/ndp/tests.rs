use super::*;
use proptest::prelude::*;

const VIP: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 0x12);
const A: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 5);
const B: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 6);
const MAC_A: Mac = Mac([2, 0, 0, 0, 0, 5]);
const MAC_B: Mac = Mac([2, 0, 0, 0, 0, 6]);
/// Whose captures of `tests/golden` are.
const GOLDEN: Mac = Mac([0x9e, 0x76, 0xd6, 0x91, 0xc0, 0x81]);

/// As keepalived 2.2.7 announces fd00:16::12: the second frame of the capture v6_unicast.
const ANNOUNCED: &str = "333300000001 9e76d691c081 86dd 6000000000203aff fd000016000000000000000000000012 \
                         ff020000000000000000000000000001 880026c420000000 \
                         fd000016000000000000000000000012 02019e76d691c081";
/// As it announces fe80::12: the second frame of the capture v6_mcast.
const ANNOUNCED_LINK_LOCAL: &str = "333300000001 9e76d691c081 86dd 6000000000203aff \
                                    fe800000000000000000000000000012 ff020000000000000000000000000001 \
                                    880023f020000000 fe800000000000000000000000000012 02019e76d691c081";
/// As Linux asks for a peer's address, and how the peer answers.
const ASKED: &str = "3333ff000006 020000000005 86dd 6000000000203aff fd000016000000000000000000000005 \
                     ff0200000000000000000001ff000006 87007d5b00000000 fd000016000000000000000000000006 \
                     0101020000000005";
const ANSWERED: &str = "020000000005 020000000006 86dd 6000000000203aff fd000016000000000000000000000006 \
                        fd000016000000000000000000000005 88001c4860000000 fd000016000000000000000000000006 \
                        0201020000000006";
/// As Linux answers a question that was sent to it alone: no option, 78 bytes.
const CONFIRMED: &str = "020000000005 020000000007 86dd 6000000000183aff fd000016000000000000000000000007 \
                         fe80000000000000000000fffe000005 88003feb40000000 fd000016000000000000000000000007";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The header and the message of a frame.
fn read(frame: &[u8]) -> (ipv6::Repr, Result<Repr, Error>) {
    let frame = ethernet::Frame::new(frame).unwrap();
    let packet = ipv6::Packet::new(frame.payload()).unwrap();
    let ip = ipv6::Repr::parse(&packet).unwrap();
    (ip, Packet::new(packet.payload()).and_then(|message| Repr::parse(&message, &ip)))
}

/// What is said of `message` from `src` to `dst`, its checksum made right first.
fn verdict(mut message: Vec<u8>, src: Ipv6Addr, dst: Ipv6Addr) -> Result<Repr, Error> {
    message[2..4].fill(0);
    let checksum = icmpv6::sum(&message, src, dst).finish();
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    let ip =
        ipv6::Repr { payload_len: message.len() as u16, ..Repr::solicitation(MAC_A, B).header(src, dst) };
    Repr::parse(&Packet::new(&message)?, &ip)
}

fn unsupported(field: &'static str, value: u16) -> Result<Repr, Error> {
    Err(Error::Unsupported { layer: Layer::Ndp, field, value })
}

fn invalid(why: &'static str) -> Result<Repr, Error> {
    Err(Error::Invalid { layer: Layer::Ndp, why })
}

#[test]
fn deconstruct() {
    let bytes = hex(ANSWERED);
    let packet = Packet::new(&bytes[54..]).unwrap();
    assert_eq!((packet.message_type(), packet.code()), (ADVERTISEMENT, 0));
    assert_eq!(packet.checksum(), 0x1c48);
    assert!(packet.verify_checksum(B, A));
    assert_eq!(packet.flags(), Flags { router: false, solicited: true, overrides: true });
    assert_eq!(packet.target(), B);
    let options: Vec<_> = packet.options().collect();
    assert_eq!(options, [Ok(NdpOption { kind: 2, body: &MAC_B.0 })]);
}

#[test]
fn construct() {
    assert_eq!(solicitation_frame(MAC_A, A, B)[..], hex(ASKED));
    let (answer, to) = Repr::solicitation(MAC_A, B).reply(A, MAC_B, false).unwrap();
    let mut frame = [0xa5; FRAME_LEN];
    let header = ethernet::Repr { dst: MAC_A, src: MAC_B, ethertype: EtherType::IPV6 };
    answer.emit(answer.header(B, to).emit(header.emit(&mut frame)), B, to);
    assert_eq!(frame[..], hex(ANSWERED));
}

/// 86 bytes, as they were captured: the source is the address itself, O alone is set, the hop limit is 255.
#[test]
fn an_announcement_is_keepalived_s_byte_for_byte() {
    assert_eq!(announcement_frame(GOLDEN, VIP, false)[..], hex(ANNOUNCED));
    let link_local = "fe80::12".parse().unwrap();
    assert_eq!(announcement_frame(GOLDEN, link_local, false)[..], hex(ANNOUNCED_LINK_LOCAL));

    let forwards = announcement_frame(GOLDEN, VIP, true);
    assert_eq!(forwards[58], 0xa0, "R and O, where the machine forwards");
}

#[test]
fn parse() {
    let said = |text: &str| read(&hex(text)).1;
    assert_eq!(said(ANNOUNCED), Ok(Repr::announcement(GOLDEN, VIP, false)));
    assert_eq!(said(ASKED), Ok(Repr::solicitation(MAC_A, B)));
    let flags = Flags { solicited: true, ..Flags::default() };
    let target = "fd00:16::7".parse().unwrap();
    assert_eq!(said(CONFIRMED), Ok(Repr::Advertisement { flags, target, target_mac: None }));
    assert_eq!(
        Packet::new(&hex(ASKED)[54..77]).unwrap_err(),
        Error::Truncated { layer: Layer::Ndp, needed: 24, found: 23 }
    );
}

#[test]
fn emit() {
    for (repr, len) in [
        (Repr::solicitation(MAC_A, B), 32),
        (Repr::Solicitation { target: B, source_mac: None }, 24),
        (Repr::announcement(MAC_A, VIP, true), 32),
    ] {
        let mut bytes = [0xa5; 40];
        repr.emit(&mut bytes, A, ipv6::ALL_NODES);
        assert_eq!(repr.len(), len);
        assert!(bytes[len..].iter().all(|byte| *byte == 0xa5), "what follows is not touched");
        let mut again = [0x5a; 40];
        repr.emit(&mut again, A, ipv6::ALL_NODES);
        assert_eq!(bytes[..len], again[..len], "every byte of the message is written");
    }
}

#[test]
fn what_came_through_a_router_is_refused() {
    let mut bytes = hex(ANNOUNCED);
    bytes[21] = 254;
    assert_eq!(read(&bytes).1, invalid("its hop limit is not 255"));
}

#[test]
fn each_validity_check_of_rfc_4861_refuses() {
    let asked = hex(ASKED)[54..].to_vec();
    let answered = hex(ANSWERED)[54..].to_vec();
    let with = |bytes: &[u8], at: usize, byte: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = byte;
        bytes
    };
    let group = solicited_node(B);
    assert!(verdict(asked.clone(), A, group).is_ok());

    let mut damaged = hex(ASKED);
    damaged[70] ^= 1;
    assert_eq!(read(&damaged).1, Err(Error::BadChecksum { layer: Layer::Ndp }));
    assert_eq!(verdict(with(&asked, 1, 3), A, group), unsupported("code", 3));
    assert_eq!(verdict(with(&asked, 8, 0xff), A, group), invalid("its target is a group"));
    assert_eq!(verdict(with(&asked, 0, 137), A, group), unsupported("type", 137));

    let nobody = Ipv6Addr::UNSPECIFIED;
    let says = "it asks without an address, and says where it is";
    assert_eq!(verdict(asked.clone(), nobody, group), invalid(says));
    let whom = "it asks without an address, and not the target's group";
    assert_eq!(verdict(asked[..24].to_vec(), nobody, B), invalid(whom));
    let probe = Repr::Solicitation { target: B, source_mac: None };
    assert_eq!(
        verdict(asked[..24].to_vec(), nobody, group),
        Ok(probe),
        "how a machine asks before it has it"
    );

    let refused = invalid("it goes to a group and says that it was solicited");
    assert_eq!(verdict(answered.clone(), B, ipv6::ALL_NODES), refused);
    assert!(verdict(with(&answered, 4, 0x20), B, ipv6::ALL_NODES).is_ok());
}

#[test]
fn the_reserved_bits_are_ignored() {
    let mut bytes = hex(ANSWERED)[54..].to_vec();
    bytes[4..8].fill(0xff);
    let expected = Flags { router: true, solicited: true, overrides: true };
    let Ok(Repr::Advertisement { flags, .. }) = verdict(bytes, B, A) else { panic!("an advertisement") };
    assert_eq!(flags, expected);
}

#[test]
fn unknown_options_are_skipped_and_what_is_none_is_refused() {
    let message = |options: &[u8]| {
        let mut bytes = hex(ASKED)[54..78].to_vec();
        bytes.extend(options);
        verdict(bytes, A, solicited_node(B))
    };
    let own = [1, 1, 2, 0, 0, 0, 0, 5];
    // A nonce (type 14) of 16 bytes, and a target's address, which is none of a solicitation's.
    let mut others = vec![14, 2];
    others.extend([0; 14]);
    others.extend([2, 1, 9, 9, 9, 9, 9, 9]);
    others.extend(own);
    assert_eq!(message(&others), Ok(Repr::solicitation(MAC_A, B)));

    let mut twice = own.to_vec();
    twice.extend([1, 1, 9, 9, 9, 9, 9, 9]);
    assert_eq!(message(&twice), Ok(Repr::solicitation(MAC_A, B)), "the first counts, as Linux has it");

    let layer = Layer::Ndp;
    assert_eq!(message(&[14, 0, 0, 0, 0, 0, 0, 0]), invalid("an option of it has length zero"));
    let mut zero_behind = own.to_vec();
    zero_behind.extend([0; 8]);
    assert_eq!(
        message(&zero_behind),
        invalid("an option of it has length zero"),
        "though the address was there"
    );
    assert_eq!(message(&[14, 2, 0, 0, 0, 0, 0, 0]), Err(Error::BadLength { layer, stated: 16, found: 8 }));
    assert_eq!(message(&[14]), Err(Error::Truncated { layer, needed: 2, found: 1 }));
    let mut long = vec![1, 2];
    long.extend([0; 14]);
    assert_eq!(message(&long), Err(Error::BadLength { layer, stated: 16, found: 8 }), "not an Ethernet's");
}

#[test]
fn a_reply_goes_to_who_asked_or_to_everybody() {
    let asked = Repr::solicitation(MAC_A, VIP);
    let (answer, to) = asked.reply(A, MAC_B, true).unwrap();
    assert_eq!(to, A);
    assert_eq!(answer.reply(A, MAC_B, true), None);
    assert!(!answer.is_unsolicited());
    let probe = Repr::Solicitation { target: VIP, source_mac: None };
    let (answer, to) = probe.reply(Ipv6Addr::UNSPECIFIED, MAC_B, false).unwrap();
    assert_eq!(to, ipv6::ALL_NODES);
    assert_eq!(answer, Repr::announcement(MAC_B, VIP, false));
    assert!(answer.is_unsolicited() && !asked.is_unsolicited());
}

#[test]
fn display() {
    let said = |text: &str| read(&hex(text)).1.unwrap().to_string();
    assert_eq!(said(ANNOUNCED), "unsolicited na fd00:16::12 is at 9e:76:d6:91:c0:81 (override)");
    assert_eq!(said(ASKED), "ns who has fd00:16::6, tell 02:00:00:00:00:05");
    assert_eq!(said(ANSWERED), "na fd00:16::6 is at 02:00:00:00:00:06 (solicited override)");
    assert_eq!(said(CONFIRMED), "na fd00:16::7 is here (solicited)");
    let probe = Repr::Solicitation { target: VIP, source_mac: None };
    assert_eq!(probe.to_string(), "ns who has fd00:16::12");
}

proptest! {
    #[test]
    fn what_is_emitted_is_parsed(
        ask: bool,
        bits: (bool, bool, bool),
        mac in proptest::option::of(any::<[u8; 6]>()),
        target: [u8; 16],
        src: [u8; 16],
        dst: [u8; 16],
    ) {
        // What is sent to a group or about one follows rules of its own: see above.
        let unicast = |mut bytes: [u8; 16]| {
            bytes[0] &= 0x7f;
            bytes[15] |= 1;
            Ipv6Addr::from(bytes)
        };
        let (target, src, dst) = (unicast(target), unicast(src), unicast(dst));
        let (router, solicited, overrides) = bits;
        let repr = if ask {
            Repr::Solicitation { target, source_mac: mac.map(Mac) }
        } else {
            let flags = Flags { router, solicited, overrides };
            Repr::Advertisement { flags, target, target_mac: mac.map(Mac) }
        };
        let mut bytes = [0xa5; LEN_WITH_MAC];
        repr.emit(&mut bytes, src, dst);
        let packet = Packet::new(&bytes[..repr.len()]).unwrap();
        prop_assert_eq!(Repr::parse(&packet, &repr.header(src, dst)), Ok(repr));
    }

    #[test]
    fn any_options_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut message = vec![0; LEN];
        message.extend(&bytes);
        let options: Vec<_> = Packet::new(&message).unwrap().options().collect();
        let good = options.iter().filter(|option| option.is_ok()).count();
        prop_assert!(good * 8 <= bytes.len());
        prop_assert!(options.len() - good <= 1, "an error is the last");
    }
}
