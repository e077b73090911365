//! Addresses come and go: asked for by a program, typed by somebody, run out.

use std::net::IpAddr;

use havip::program::AddressChange;
use havip::time::{Duration, Time};
use ipnet::IpNet;

use super::chance::number_of;
use super::frames::PortId;
use super::host;
use super::machine::Signal;
use super::report::What;
use super::setup::{CvmId, NodeId};
use super::state::World;

/// An address change under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Install {
    pub(super) done: Time,
    pub(super) port: PortId,
    pub(super) address: IpNet,
    pub(super) change: Change,
}

/// What is to become of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is put on the interface, or stays there: for so long, or for ever. Packets for it are taken in, or dropped.
    Add { lifetime: Option<Duration>, accept: bool },
    /// It is taken off.
    Remove,
}

/// An address that stays for a while only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    pub(super) port: PortId,
    pub(super) address: IpAddr,
    pub(super) ends: Time,
}

/// How long after its program goes on a machine has the planted flaw.
const CANARY: Duration = Duration::from_millis(20);

impl World {
    /// Begins to put an address on an interface or to take it off, as a program asked.
    pub(super) fn install(&mut self, port: PortId, asked: Time, address: IpNet, change: Change) {
        let node = self.nic(port).node;
        let done = self.installed_at(port, asked, address.addr()).max(self.next_tick());
        let kernel = self.kernel(node);
        // The kernel takes requests in turn.
        let done = kernel.installs.back().map_or(done, |last| done.max(last.done));
        kernel.installs.push_back(Install { done, port, address, change });
        self.arm_kernel(node);
    }

    /// Somebody adds an address by hand, or deletes one: it takes as long as a command takes.
    pub(super) fn tamper(&mut self, port: PortId, address: IpNet, change: Change) {
        let (now, nth) = (self.now, number_of(address.addr()));
        let node = self.nic(port).node;
        let done = self.instant(now + self.host.takes(&host::TAMPER, node.0.into(), now, nth));
        let kernel = self.kernel(node);
        if !kernel.powered {
            return;
        }
        let place = kernel.tampers.partition_point(|one| one.done <= done);
        kernel.tampers.insert(place, Install { done, port, address, change });
        self.arm_kernel(node);
    }

    pub(super) fn finish_install(&mut self, node: NodeId, install: Install, by_hand: bool) {
        let Install { port, address: net, change, .. } = install;
        let (now, address) = (self.now, net.addr());
        let nic = self.nic_mut(port);
        let (held, interface) = (nic.holds(address), nic.interface());
        let (add, attached) = (matches!(change, Change::Add { .. }), nic.attached);
        if by_hand && (add == held || !attached) {
            return; // the command complains to whoever typed it
        }
        let answer = match (add, held) {
            (true, _) if by_hand => AddressChange::AppearedByOther,
            (false, _) if by_hand => AddressChange::VanishedByOther,
            (true, _) if !attached => AddressChange::Failed,
            (true, _) => AddressChange::Added,
            (false, true) => AddressChange::Removed,
            (false, false) => AddressChange::Failed,
        };
        if self.forgets(node, add || by_hand) || !attached {
            let cvm = CvmId(node.0);
            return self.signal(cvm, now, Signal::Address(interface, address, answer));
        }
        let nic = self.nic_mut(port);
        match (add, held) {
            (true, false) => nic.add(net),
            (false, true) => self.take_off(port, address),
            _ => {}
        }
        self.note_change(port, address, change, now);
        if add != held {
            self.report(self.who(port), What::Held { node, address, held: add, ran_out: false });
        }
        if let Some(cvm) = self.setup.cvm_of(node) {
            self.signal(cvm, now, Signal::Address(interface, address, answer));
        }
    }

    /// What is said last of an address holds: whether packets for it are taken in, and how long it stays from then on.
    pub(super) fn note_change(&mut self, port: PortId, address: IpAddr, change: Change, done: Time) {
        let (node, host) = (self.nic(port).node, self.host);
        let kernel = self.kernel(node);
        kernel.filtered.retain(|one| *one != address);
        kernel.leases.retain(|lease| (lease.port, lease.address) != (port, address));
        let Change::Add { lifetime, accept } = change else { return };
        if !accept {
            kernel.filtered.push(address);
        }
        if let Some(lifetime) = lifetime {
            let ends = host.lifetime_ends(node.0.into(), done, lifetime, number_of(address));
            kernel.leases.push(Lease { port, address, ends });
        }
    }

    /// When an address that is asked for at an instant is there, if the kernel has nothing else to do.
    pub(super) fn installed_at(&self, port: PortId, asked: Time, address: IpAddr) -> Time {
        let node = self.nic(port).node;
        let takes = self.host.takes(&host::ADDRESS_INSTALL, node.0.into(), asked, number_of(address));
        (asked + takes).round_up(self.setup.tick)
    }

    /// When an address is taken off by itself; `Time::MAX` if it stays.
    pub(super) fn lease_ends(&self, port: PortId, address: IpAddr) -> Time {
        let leases = &self.kernels[usize::from(self.nic(port).node.0)].leases;
        let lease = leases.iter().find(|lease| (lease.port, lease.address) == (port, address));
        lease.map_or(Time::MAX, |lease| lease.ends)
    }

    /// Takes an address off an interface, and before it those that go with it.
    fn take_off(&mut self, port: PortId, address: IpAddr) {
        for other in self.nic_mut(port).remove(address) {
            self.vanish(port, other, false);
        }
    }

    /// Takes every address off an interface that is taken out; of those that were not its own, everybody is told.
    pub(super) fn clear_addresses(&mut self, port: PortId) {
        for net in self.nic_mut(port).reset(Vec::new()) {
            let (node, address) = (self.nic(port).node, net.addr());
            if !self.setup.owns(node, address) {
                self.vanish(port, address, false);
            }
        }
    }

    /// Tells of an address that has gone by itself.
    fn vanish(&mut self, port: PortId, address: IpAddr, ran_out: bool) {
        let (node, interface) = (self.nic(port).node, self.nic(port).interface());
        let kernel = self.kernel(node);
        kernel.leases.retain(|lease| (lease.port, lease.address) != (port, address));
        kernel.filtered.retain(|one| *one != address);
        self.report(self.who(port), What::Held { node, address, held: false, ran_out });
        if let Some(cvm) = self.setup.cvm_of(node) {
            let vanished = AddressChange::VanishedByOther;
            self.signal(cvm, self.now, Signal::Address(interface, address, vanished));
        }
    }

    /// The planted flaw, where there is one ([`Setup::canary`](super::Setup)): an address stays that was to go. A seed in 25
    /// comes to where it shows; it is there in one of three, since it is to be rare.
    fn forgets(&self, node: NodeId, stays: bool) -> bool {
        let just_thawed =
            |cvm: CvmId| self.machines[usize::from(cvm.0)].thawed.is_some_and(|at| self.now <= at + CANARY);
        self.setup.canary
            && self.seed.is_multiple_of(3)
            && !stays
            && self.setup.cvm_of(node).is_some_and(just_thawed)
    }

    /// Takes away the addresses whose lifetime has run out.
    pub(super) fn end_leases(&mut self, node: NodeId) {
        let now = self.now;
        while let Some(i) = self.kernel(node).leases.iter().position(|lease| lease.ends <= now) {
            let Lease { port, address, .. } = self.kernel(node).leases.remove(i);
            self.take_off(port, address);
            self.vanish(port, address, true);
        }
    }
}
