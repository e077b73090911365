//! Carries out acts.

use std::net::IpAddr;

use super::act::{Act, Tamper};
use super::addresses::Change;
use super::report::Life;
use super::setup::{CvmId, EniIndex, NodeId, PortId};
use super::state::World;

impl World {
    /// Does one thing to the world, at this instant. An act that finds nothing to do does nothing.
    pub(super) fn carry_out(&mut self, act: &Act, index: u32) {
        match *act {
            Act::Start(cvm) => self.start_program(cvm),
            Act::Stop(cvm) => self.stop_program(cvm),
            Act::Kill(cvm) => self.let_end(cvm, Life::Killed),
            Act::PowerOff(cvm) => {
                self.end_program(cvm, Life::Killed);
                self.forget_everything(self.setup.node_of_cvm(cvm));
            }
            Act::PowerOn(cvm) => self.boot(cvm),
            Act::Freeze(cvm) => self.set_frozen(cvm, true),
            Act::Thaw(cvm) => self.set_frozen(cvm, false),
            Act::Pause(cvm) => self.set_paused(cvm, true),
            Act::Resume(cvm) => self.set_paused(cvm, false),
            Act::Unplug(node, eni) => self.set_carriers(node, eni, false),
            Act::Plug(node, eni) => self.set_carriers(node, eni, true),
            Act::Attach(node, eni) => self.attach(node, eni),
            Act::Reload(cvm, file, takes) => self.reload_program(cvm, file, takes),
            Act::Script(cvm, name, act) => self.change_script(cvm, name, act),
            Act::File(cvm, name, text) => self.write_file(cvm, name, text),
            Act::Service(service, cvm, health) => self.change_service(cvm, service, health),
            Act::ClockStep(cvm, by) => self.userlands[usize::from(cvm.0)].clock.step(by),
            Act::ClockDrift(cvm, drift) => self.set_drift(cvm, drift),
            Act::Tamper(cvm, what, address) => {
                let change = if what == Tamper::Add {
                    Change::Add { lifetime: None, accept: true }
                } else {
                    Change::Remove
                };
                self.tamper(self.port_to_tamper(cvm, address.addr()), address, change);
            }
            Act::DelRoute(cvm, route) => self.tamper_with_route(cvm, route),
            Act::Spoof(node, eni, spoof) => self.begin_spoof(index, (node, eni), &spoof),
            Act::Cloud(act) => self.cloud.act(act, index),
            Act::Detach(node, eni) => self.detach(node, eni, index),
            Act::Console(act) => self.administer(act, index),
            Act::Seed(seed) => self.reseed(seed),
            Act::Drop(..)
            | Act::Loss(..)
            | Act::Delay(..)
            | Act::Duplicate(..)
            | Act::Corrupt(..)
            | Act::Reorder(..) => self.links.act(act, index),
            Act::Heal(_) => {
                self.links.act(act, index);
                self.let_on();
            }
        }
    }

    /// On which interface somebody adds or deletes an address by hand: the one that has it, or that its range is on.
    fn port_to_tamper(&self, cvm: CvmId, address: IpAddr) -> PortId {
        let first = PortId::of(self.setup.node_of_cvm(cvm));
        let holds = |port: &PortId| self.nic(*port).holds(address);
        let mut ports = self.ports_of(self.setup.node_of_cvm(cvm));
        ports.find(holds).unwrap_or_else(|| self.port_towards(first, address))
    }

    /// The cable of one interface of a node, or of all.
    fn set_carriers(&mut self, node: NodeId, eni: Option<EniIndex>, up: bool) {
        for port in self.ports_of(node) {
            if eni.is_none_or(|eni| self.nic(port).index == eni) {
                self.set_carrier(port, up);
            }
        }
    }
}
