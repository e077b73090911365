//! The slab of frames: bytes written once, shared by everyone they reach, reused without allocating.

use super::act::Kind;
use super::report::FrameId;
pub use super::setup::PortId;

#[derive(Clone, Debug)]
struct Slot {
    bytes: Vec<u8>,
    holders: u32,
    from: PortId,
    kind: Kind,
}

/// Every frame that is under way, queued, or was dropped in the current instant.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Frames nobody holds any more; kept until the instant ends, because reports name them.
    let_go: Vec<u32>,
}

impl Frames {
    /// Stores a frame, given as its parts in order, with one holder: the caller.
    pub fn store(&mut self, parts: &[&[u8]], from: PortId, kind: Kind) -> FrameId {
        let i = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { bytes: Vec::new(), holders: 0, from, kind });
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[i as usize];
        slot.bytes.clear();
        slot.bytes.reserve(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            slot.bytes.extend_from_slice(part);
        }
        (slot.holders, slot.from, slot.kind) = (1, from, kind);
        FrameId(i)
    }
    /// A copy with another destination hardware address, with one holder: the caller.
    pub fn readdressed(&mut self, id: FrameId, dst: [u8; 6]) -> FrameId {
        let bytes = std::mem::take(&mut self.slots[id.0 as usize].bytes);
        let copy = self.store(&[&dst, bytes.get(6..).unwrap_or_default()], self.from(id), self.kind(id));
        self.slots[id.0 as usize].bytes = bytes;
        copy
    }
    /// Its bytes.
    pub fn bytes(&self, id: FrameId) -> &[u8] {
        &self.slots[id.0 as usize].bytes
    }
    /// Its bytes, for a holder that changes them before anybody else has seen them.
    pub fn bytes_mut(&mut self, id: FrameId) -> &mut [u8] {
        let slot = &mut self.slots[id.0 as usize];
        debug_assert_eq!(slot.holders, 1, "a shared frame is immutable");
        &mut slot.bytes
    }
    /// Who sent it.
    pub fn from(&self, id: FrameId) -> PortId {
        self.slots[id.0 as usize].from
    }
    /// What it is.
    pub fn kind(&self, id: FrameId) -> Kind {
        self.slots[id.0 as usize].kind
    }
    /// One holder more.
    pub fn hold(&mut self, id: FrameId) {
        self.slots[id.0 as usize].holders += 1;
    }
    /// One holder less; the last one's leaving frees the frame when the instant ends.
    pub fn let_go(&mut self, id: FrameId) {
        let slot = &mut self.slots[id.0 as usize];
        debug_assert!(slot.holders > 0, "let go twice");
        slot.holders -= 1;
        if slot.holders == 0 {
            self.let_go.push(id.0);
        }
    }
    /// Ends an instant: what nobody holds may be reused.
    pub fn sweep(&mut self) {
        self.free.append(&mut self.let_go);
    }
    /// How many frames are held: what a test of memory looks at.
    pub fn held(&self) -> usize {
        self.slots.len() - self.free.len() - self.let_go.len()
    }
}
