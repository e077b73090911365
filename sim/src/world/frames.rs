//! The slab of frames: bytes written once, shared by everyone they reach, reused without allocating.

use super::act::Kind;
use super::report::FrameId;
use super::setup::NodeId;

/// Where a frame is on its way from: a node, or the cloud itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortId(pub u16);

impl PortId {
    /// The cloud's own port.
    pub const CLOUD: PortId = PortId(u16::MAX);
    /// The port of a node's one interface.
    pub const fn of(node: NodeId) -> PortId {
        PortId(node.0)
    }
    /// Its node, unless it is the cloud's.
    pub const fn node(self) -> Option<NodeId> {
        if self.0 == Self::CLOUD.0 { None } else { Some(NodeId(self.0)) }
    }
}

/// Frames up to this length are kept in their slot: nearly all, an advertisement of ten addresses among them.
const SHORT_MAX: usize = 128;

#[derive(Clone, Debug)]
struct Slot {
    len: usize,
    holders: u32,
    from: PortId,
    kind: Kind,
    short: [u8; SHORT_MAX],
    /// Where a longer one is. The memory stays with the slot.
    long: Vec<u8>,
}

impl Slot {
    const UNUSED: Slot = Slot {
        len: 0,
        holders: 0,
        from: PortId::CLOUD,
        kind: Kind::Other,
        short: [0; SHORT_MAX],
        long: Vec::new(),
    };

    fn bytes(&self) -> &[u8] {
        self.short.get(..self.len).unwrap_or(&self.long)
    }
    fn bytes_mut(&mut self) -> &mut [u8] {
        self.short.get_mut(..self.len).unwrap_or(&mut self.long)
    }
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
        self.write(parts.iter().map(|part| part.len()).sum(), from, kind, |mut rest| {
            for part in parts {
                rest.split_off_mut(..part.len()).expect("room for all parts").copy_from_slice(part);
            }
        })
    }
    /// Stores a frame of `len` bytes, every one of which `write` writes, with one holder: the caller.
    pub fn write(&mut self, len: usize, from: PortId, kind: Kind, write: impl FnOnce(&mut [u8])) -> FrameId {
        let i = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::UNUSED);
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[i as usize];
        (slot.len, slot.holders, slot.from, slot.kind) = (len, 1, from, kind);
        if len > SHORT_MAX {
            slot.long.resize(len, 0);
        }
        write(slot.bytes_mut());
        FrameId(i)
    }
    /// A copy with another destination hardware address, with one holder: the caller.
    pub fn readdressed(&mut self, id: FrameId, dst: [u8; 6]) -> FrameId {
        let slot = self.slots[id.0 as usize].clone();
        self.store(&[&dst, slot.bytes().get(6..).unwrap_or_default()], slot.from, slot.kind)
    }
    /// Its bytes.
    pub fn bytes(&self, id: FrameId) -> &[u8] {
        self.slots[id.0 as usize].bytes()
    }
    /// Its bytes, for a holder that changes them before anybody else has seen them.
    pub fn bytes_mut(&mut self, id: FrameId) -> &mut [u8] {
        let slot = &mut self.slots[id.0 as usize];
        debug_assert_eq!(slot.holders, 1, "a shared frame is immutable");
        slot.bytes_mut()
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
