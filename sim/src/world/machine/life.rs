//! The life of a program on its machine: how it begins, what it is told, what stops it, how it ends.

use std::net::{Ipv4Addr, Ipv6Addr};

use havip::program::{Interface, InterfaceId};
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use ipnet::IpNet;

use super::{Machine, Running, Signal, Then};
use crate::world::act::Drift;
use crate::world::frames::PortId;
use crate::world::host;
use crate::world::nic::{ETH0, LO};
use crate::world::report::{Life, What, Who};
use crate::world::setup::{CvmId, FileId};
use crate::world::state::World;

/// The loopback that every machine has.
fn loopback() -> Interface {
    let addresses = [IpNet::new(Ipv4Addr::LOCALHOST.into(), 8), IpNet::new(Ipv6Addr::LOCALHOST.into(), 128)];
    Interface {
        id: LO,
        name: "lo".to_owned(),
        mac: Mac::UNSPECIFIED,
        addresses: addresses.into_iter().flatten().collect(),
        up: true,
    }
}

impl World {
    /// A machine's clocks gain or lose from now on. Its timer goes by them.
    pub(in crate::world) fn set_drift(&mut self, cvm: CvmId, drift: Drift) {
        let now = self.now;
        self.userlands[usize::from(cvm.0)].clock.set_drift(now, drift);
        if let Some(deadline) = self.machine(cvm).deadline {
            let fires = self.fires_for(cvm, deadline).max(self.next_tick());
            let machine = self.machine(cvm);
            (machine.fires, machine.moved) = (fires, true);
            self.arm_program(cvm);
        }
    }

    /// The program starts, after the time programs take to start.
    pub(in crate::world) fn boot(&mut self, cvm: CvmId) {
        let node = self.setup.node_of_cvm(cvm);
        let takes = self.host.takes(&host::PROGRAM_START, cvm.0.into(), self.now, 0);
        if !self.kernels[usize::from(node.0)].powered {
            let now = self.now;
            self.userlands[usize::from(cvm.0)].boot(now);
        }
        self.kernels[usize::from(node.0)].powered = true;
        if self.machine(cvm).running == Running::No {
            self.machine(cvm).running = Running::Starting;
            self.signal(cvm, self.instant(self.now + takes), Signal::Start);
        }
        self.arm_kernel(node);
    }

    /// Somebody starts the program. One that is told to end does so first, as with `systemctl restart`.
    pub(in crate::world) fn start_program(&mut self, cvm: CvmId) {
        let machine = self.machine(cvm);
        if machine.ending.is_some() {
            machine.ending = Some(Then::StartsAgain);
        } else if self.kernels[usize::from(cvm.0)].powered {
            self.boot(cvm);
        }
    }

    /// SIGTERM. A program that has not begun yet never does.
    pub(in crate::world) fn stop_program(&mut self, cvm: CvmId) {
        match self.machine(cvm).running {
            Running::No => {}
            Running::Starting => self.end_program(cvm, Life::Exited),
            Running::Yes => {
                self.machine(cvm).ending = Some(Then::StaysAway);
                self.signal_in_a_while(cvm, Signal::Stop);
            }
        }
    }

    /// The program is gone, by itself or by SIGKILL, and starts again if somebody has asked for that meanwhile.
    pub(in crate::world) fn let_end(&mut self, cvm: CvmId, how: Life) {
        let then = self.machine(cvm).ending;
        self.end_program(cvm, how);
        if then == Some(Then::StartsAgain) {
            self.boot(cvm);
        }
    }

    /// SIGHUP, or just another file for a program that is not running. To read it `takes` so long: the program does nothing
    /// else meanwhile.
    pub(in crate::world) fn reload_program(&mut self, cvm: CvmId, file: FileId, takes: Duration) {
        self.machine(cvm).file = Some(file);
        if self.machine(cvm).running == Running::Yes {
            self.signal_in_a_while(cvm, Signal::Reload(file, takes));
        }
    }

    /// The program is gone, and everything that was its own with it.
    pub(in crate::world) fn end_program(&mut self, cvm: CvmId, how: Life) {
        let machine = self.machine(cvm);
        if machine.running == Running::No {
            return;
        }
        let file = machine.file;
        let old = std::mem::replace(machine, Machine { file, ..Machine::new() });
        let unread = old.inbox.into_iter().map(|came| came.frame);
        for frame in unread.chain(old.outbox.into_iter().map(|out| out.frame)) {
            self.frames.let_go(frame);
        }
        self.report(Who::Node(self.setup.node_of_cvm(cvm)), What::Program(cvm, how));
    }

    /// SIGSTOP and SIGCONT.
    pub(in crate::world) fn set_frozen(&mut self, cvm: CvmId, frozen: bool) {
        let machine = self.machine(cvm);
        if machine.running == Running::No || machine.frozen == frozen {
            return;
        }
        machine.frozen = frozen;
        self.report_held(cvm, frozen);
    }

    /// The hypervisor stops a machine, or lets it go on with what its network card has kept.
    pub(in crate::world) fn set_paused(&mut self, cvm: CvmId, paused: bool) {
        let node = self.setup.node_of_cvm(cvm);
        let kernel = &mut self.kernels[usize::from(node.0)];
        if !kernel.powered || kernel.paused == paused {
            return;
        }
        kernel.paused = paused;
        let (now, next) = (self.now, self.next_tick());
        for port in self.ports_of(node) {
            let neighbours = &mut self.nic_mut(port).neighbours;
            if paused { neighbours.pause(now) } else { neighbours.resume(next) }
        }
        let kernel = self.kernel(node);
        let ring = std::mem::take(&mut kernel.ring);
        for (port, frame) in ring {
            self.receive(port, frame);
        }
        self.report_held(cvm, paused);
    }

    fn report_held(&mut self, cvm: CvmId, held: bool) {
        let node = self.setup.node_of_cvm(cvm);
        if self.machine(cvm).running != Running::No {
            let life = if held { Life::Frozen } else { Life::Thawed };
            self.report(Who::Node(node), What::Program(cvm, life));
        }
        if !held {
            self.machine(cvm).thawed = Some(self.now);
            self.arm_kernel(node);
            self.arm_program(cvm);
        }
    }

    /// Tells the program something at an instant. One that has not begun will find its machine as it then is, and
    /// is told nothing before.
    pub(in crate::world) fn signal(&mut self, cvm: CvmId, at: Time, signal: Signal) {
        let machine = self.machine(cvm);
        match machine.running {
            Running::Yes => {}
            Running::Starting if signal == Signal::Start => {}
            Running::No | Running::Starting => return,
        }
        let place = machine.signals.partition_point(|&(t, _)| t <= at);
        machine.signals.insert(place, (at, signal));
        self.arm_program(cvm);
    }

    /// Sends the program a signal, which takes a moment.
    pub(in crate::world) fn signal_in_a_while(&mut self, cvm: CvmId, signal: Signal) {
        let takes = self.host.takes(&host::SIGNAL, cvm.0.into(), self.now, 0);
        self.signal(cvm, self.instant(self.now + takes), signal);
    }

    /// Tells the program of its link, after the time such an event takes; never before an earlier one.
    pub(in crate::world) fn signal_link(&mut self, cvm: CvmId, interface: InterfaceId, up: bool) {
        let now = self.now;
        let takes = self.host.takes(&host::LINK_EVENT, cvm.0.into(), now, u32::from(interface.0 - ETH0.0));
        let is_link = |signal: &Signal| matches!(signal, Signal::Link(i, _) if *i == interface);
        let before = self.machine(cvm).said_last(is_link).unwrap_or(now);
        self.signal(cvm, self.instant(now + takes).max(before), Signal::Link(interface, up));
    }

    pub(super) fn begin_program(&mut self, cvm: CvmId) {
        self.find_interfaces(cvm);
        let machine = self.machine(cvm);
        machine.signals.pop_front();
        machine.running = Running::Yes;
        self.report(Who::Node(self.setup.node_of_cvm(cvm)), What::Program(cvm, Life::Started));
    }

    /// The machine's interfaces as they are now, for its program.
    pub(super) fn find_interfaces(&mut self, cvm: CvmId) {
        let node = self.setup.node_of_cvm(cvm);
        let nics = self.ports_of(node).map(|port| self.nic(port)).zip(self.setup.enis_of(node));
        let interfaces = nics.filter(|(nic, _)| nic.attached).map(|(nic, eni)| Interface {
            id: nic.interface(),
            name: eni.name.clone(),
            mac: nic.mac,
            addresses: nic.addresses().to_vec(),
            up: nic.carrier,
        });
        // Behind the others, so that the first is one to speak on.
        self.machine(cvm).interfaces = interfaces.chain([loopback()]).collect();
    }

    /// Tells the program of an interface that it has now, after the time that such an event takes.
    pub(in crate::world) fn signal_attached(&mut self, cvm: CvmId, port: PortId) {
        let takes = self.host.takes(&host::LINK_EVENT, cvm.0.into(), self.now, port.0.into());
        self.signal(cvm, self.instant(self.now + takes), Signal::Attached(port));
    }
}
