//! A capture read back.

use havip::wire::ethernet::Mac;

use super::*;
use crate::observe::testing::*;
use crate::world::CvmId;

/// What a reader finds in a file.
struct Read {
    interfaces: Vec<(String, u8)>,
    packets: Vec<ReadPacket>,
}

#[derive(Debug)]
struct ReadPacket {
    interface: u32,
    nanos: u64,
    bytes: Vec<u8>,
    comments: Vec<String>,
    flags: u32,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn options(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while bytes[..2] != [0, 0] {
        let (code, len) =
            (u16::from_le_bytes([bytes[0], bytes[1]]), usize::from(bytes[2]) | usize::from(bytes[3]) << 8);
        found.push((code, &bytes[4..4 + len]));
        bytes = &bytes[4 + len.next_multiple_of(4)..];
    }
    assert_eq!(bytes, [0; 4], "the end of the options is the end of the block");
    found
}

fn read(file: &[u8]) -> Read {
    let mut found = Read { interfaces: Vec::new(), packets: Vec::new() };
    let mut rest = file;
    while !rest.is_empty() {
        let (kind, len) = (u32_at(rest, 0), u32_at(rest, 4) as usize);
        assert_eq!((len % 4, u32_at(rest, len - 4)), (0, len as u32), "the length stands at both ends");
        let body = &rest[8..len - 4];
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match kind {
            0x0a0d_0d0a => assert_eq!(u32_at(body, 0), 0x1a2b_3c4d),
            1 => {
                let all = options(&body[8..]);
                let of = |code| all.iter().find(|(c, _)| *c == code).unwrap().1;
                found.interfaces.push((text(of(2)), of(9)[0]));
            }
            6 => {
                let captured = u32_at(body, 12) as usize;
                let all = options(&body[20 + captured.next_multiple_of(4)..]);
                let comments = all.iter().filter(|(code, _)| *code == 1).map(|(_, bytes)| text(bytes));
                found.packets.push(ReadPacket {
                    interface: u32_at(body, 0),
                    nanos: u64::from(u32_at(body, 4)) << 32 | u64::from(u32_at(body, 8)),
                    bytes: body[20..20 + captured].to_vec(),
                    comments: comments.collect(),
                    flags: u32_at(all.iter().find(|(code, _)| *code == 2).unwrap().1, 0),
                });
            }
            other => panic!("block {other}"),
        }
        rest = &rest[len..];
    }
    found
}

fn capture(run: &Run) -> Read {
    let mut file = Pcapng::new(&run.setup, Vec::new());
    run.play(&mut file, "60");
    let (bytes, frames) = file.into_inner().unwrap();
    let found = read(&bytes);
    assert_eq!(found.packets.len() as u64, frames);
    found
}

fn comments(run: &Run) -> Vec<(u32, u32, Vec<String>)> {
    capture(run).packets.into_iter().map(|one| (one.interface, one.flags & 3, one.comments)).collect()
}

const IN: u32 = 1;
const OUT: u32 = 2;

#[test]
fn every_eni_is_an_interface_and_so_is_the_cloud() {
    let names = |run: &Run| {
        let all = capture(run).interfaces;
        assert!(all.iter().all(|(_, resolution)| *resolution == 9));
        all.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(names(&Run::pair()), ["a", "b", "web", "cloud"]);
    assert_eq!(names(&Run::lan()), ["a", "b", "web"], "a lan has no cloud");
    let mut run = Run::pair();
    run.has_eth1(A);
    assert_eq!(names(&run), ["a", "b", "web", "a.eth1", "cloud"], "in the order of ports");
    run.at("1").advert_by_eth1(A, B).at("2").heard_by_cloud(A, HAVIP);
    let found: Vec<u32> = capture(&run).packets.iter().map(|packet| packet.interface).collect();
    assert_eq!(found, [3, 4]);
}

#[test]
fn times_are_those_of_the_machines_wall_clocks() {
    let mut run = Run::pair();
    run.at("20.0001").advert(A, B, 100);
    let found = capture(&run);
    assert_eq!(found.packets[0].nanos, 1_767_225_600_000_000_000 + 20_000_100_000);
    assert_eq!(found.packets[0].flags, OUT | 1 << 2, "outbound, unicast");
}

#[test]
fn a_frame_lost_on_its_way_says_so_at_its_sender() {
    let mut run = Run::pair();
    run.act("5", Act::Drop(crate::world::Kinds::ALL, ANY), 12);
    run.at("6").advert(A, B, 100).lost(A, B, Loss::Cut(0));
    assert_eq!(comments(&run), [(0, OUT, vec!["not delivered to b: cut (line 12)".to_owned()])]);
}

#[test]
fn a_frame_for_a_machine_that_is_off_says_so_there_and_why_it_is_off() {
    let mut run = Run::pair();
    run.act("5", Act::PowerOff(CvmId(B)), 12).at("6").advert(A, B, 100).at("6.0003").lost(
        A,
        B,
        Loss::ReceiverOff,
    );
    let found = comments(&run);
    let why = "dropped: the receiver is off (b powered off, line 12)".to_owned();
    assert_eq!(found, [(0, OUT, vec![]), (1, IN, vec![why])]);
}

#[test]
fn a_packet_that_never_became_a_frame_is_shown_where_it_was_stuck() {
    let mut run = Run::pair();
    let mut frame = advert_frame(A, B, 100);
    frame[..6].fill(0);
    run.at("6").lost_frame(A, None, frame, Loss::Unresolved);
    let found = capture(&run);
    assert_eq!(found.packets[0].comments, ["never sent: no answer to ARP"]);
    assert_eq!(found.packets[0].bytes[..6], Mac::UNSPECIFIED.0);
    assert_eq!((found.packets[0].interface, found.packets[0].flags & 3), (0, OUT));
}

#[test]
fn a_claim_the_cloud_refuses_says_so_at_the_cloud() {
    let mut run = Run::pair();
    let stranger = [172, 16, 16, 9].into();
    run.at("6").garp_for(A, stranger).at("6.0003").heard_by_cloud(A, stranger).refused(A, stranger);
    let found = comments(&run);
    assert_eq!(
        found,
        [(0, OUT, vec![]), (3, IN, vec!["refused by the cloud: the address is no HAVIP".to_owned()])]
    );
}

#[test]
fn an_advertisement_the_program_rejects_says_so_where_it_came() {
    let mut run = Run::pair();
    run.at("6").received_advert(B, A).rejects(B, "wrong password");
    assert_eq!(comments(&run), [(1, IN, vec!["rejected: wrong password".to_owned()])]);
}

#[test]
fn passwords_stay_only_where_that_is_asked_for() {
    let mut run = Run::pair();
    run.at("6").advert(A, B, 100);
    assert_eq!(capture(&run).packets[0].bytes[46..], *b"********");
    let mut file = Pcapng::new(&run.setup, Vec::new()).with_secrets();
    run.play(&mut file, "60");
    let (bytes, _) = file.into_inner().unwrap();
    assert_eq!(read(&bytes).packets[0].bytes[46..], *b"1111\0\0\0\0");
}

#[test]
fn a_full_disk_is_reported_once_the_run_is_over() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut run = Run::pair();
    run.at("6").advert(A, B, 100);
    let mut file = Pcapng::new(&run.setup, Full);
    run.play(&mut file, "60");
    assert_eq!(file.into_inner().err().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
}

const ANY: crate::world::Path =
    crate::world::Path { from: crate::world::End::Any, to: crate::world::End::Any, both: false };
