//! Frames, byte for byte: the first advertisement, goodbye and claim of each kind that each node sent.

use crate::capture::Capture;
use crate::case::Case;
use crate::compare::Row;
use crate::figures::{self, Golden};
use crate::play::Player;

/// The row of a case that has captured frames.
pub fn row(case: &Case) -> Option<Row> {
    let wanted: Vec<Golden> = figures::golden(case.name);
    if case.pending.is_some() || case.quantities.is_empty() || wanted.is_empty() {
        return None;
    }
    let runs = figures::runs(case.name);
    let capture = Player::new(case).play(runs.first().map(figures::Figures::for_a_place).as_ref(), 1);
    let all = |capture: &Capture| -> Vec<Vec<u8>> {
        capture.frames.iter().map(|frame| same(&frame.bytes)).collect()
    };
    let (first, second) = (all(&capture), all(&capture.second()));
    let bridge = |frame: &Golden| if frame.segment == "eth1" { &second } else { &first };
    let missing = wanted.iter().filter(|frame| !bridge(frame).contains(&same(&frame.bytes)));
    let wrong: Vec<String> = missing
        .map(|frame| {
            format!("no such {} of {} on {}: {}", frame.kind, frame.node, frame.segment, hex(&frame.bytes))
        })
        .collect();
    let (n, within) = (wanted.len(), wanted.len() - wrong.len());
    Some(Row {
        what: "frames: each kind of advertisement, goodbye and claim, byte for byte".to_owned(),
        n,
        real: format!("{n} kinds"),
        simulated: format!("{within} of them"),
        within: (within, n),
        reasons: Vec::new(),
        wrong,
    })
}

/// A frame without what is anybody's: the IP identification, the header checksum that follows from it, and the
/// flow label that a kernel draws.
fn same(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    match frame.get(12..14) {
        Some([0x08, 0x00]) => {
            frame[18..20].fill(0);
            frame[24..26].fill(0);
        }
        Some([0x86, 0xdd]) => {
            frame[15] &= 0xf0;
            frame[16..18].fill(0);
        }
        _ => {}
    }
    frame
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
