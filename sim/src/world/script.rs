//! Carries out acts.

use super::act::{Act, Tamper};
use super::report::Life;
use super::state::World;

impl World {
    /// Does one thing to the world, at this instant. An act that finds nothing to do does nothing.
    pub(super) fn carry_out(&mut self, act: &Act, index: u32) {
        match *act {
            Act::Start(cvm) => {
                if self.kernels[usize::from(cvm.0)].powered {
                    self.boot(cvm);
                }
            }
            Act::Stop(cvm) => self.stop_program(cvm),
            Act::Kill(cvm) => self.end_program(cvm, Life::Killed),
            Act::PowerOff(cvm) => {
                self.end_program(cvm, Life::Killed);
                self.forget_everything(self.setup.node_of_cvm(cvm));
            }
            Act::PowerOn(cvm) => self.boot(cvm),
            Act::Freeze(cvm) => self.set_frozen(cvm, true),
            Act::Thaw(cvm) => self.set_frozen(cvm, false),
            Act::Pause(cvm) => self.set_paused(cvm, true),
            Act::Resume(cvm) => self.set_paused(cvm, false),
            Act::Unplug(node) => self.set_carrier(node, false),
            Act::Plug(node) => self.set_carrier(node, true),
            Act::Reload(cvm, file) => self.reload_program(cvm, file),
            Act::Script(cvm, name, act) => self.change_script(cvm, name, act),
            Act::File(cvm, name, text) => self.write_file(cvm, name, text),
            Act::Service(service, cvm, health) => self.change_service(cvm, service, health),
            Act::ClockStep(cvm, by) => self.userlands[usize::from(cvm.0)].clock.step(by),
            Act::ClockDrift(cvm, drift) => self.set_drift(cvm, drift),
            Act::Tamper(cvm, what, address) => {
                self.tamper(self.setup.node_of_cvm(cvm), address, what == Tamper::Add);
            }
            Act::Spoof(node, spoof) => self.begin_spoof(index, node, &spoof),
            Act::Cloud(act) => self.cloud.act(act, index),
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
}
