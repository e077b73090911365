//! Routes that programs ask for. They are kept and told of; no packet of this world goes by one, since its nodes speak to
//! their own subnets and to gateways.

use super::host;
use super::machine::Signal;
use super::setup::{CvmId, NodeId, TextId};
use super::state::World;

/// How many routes a machine takes; whoever asks for more is no router of this world.
const ROUTES_MAX: usize = 4096;

impl World {
    /// Adds a route that is not there, or removes one that is. It outlives the program and ends with the machine's
    /// power.
    pub(super) fn change_route(&mut self, cvm: CvmId, route: &str, add: bool) {
        let routes = &mut self.kernels[usize::from(cvm.0)].routes;
        let known = routes.iter().position(|one| one == route);
        match known {
            None if add && routes.len() < ROUTES_MAX => routes.push(route.to_owned()),
            Some(i) if !add => drop(routes.remove(i)),
            _ => return,
        }
        self.report_route(cvm, route, add);
    }
    /// Somebody types `ip route del`.
    pub(super) fn tamper_with_route(&mut self, cvm: CvmId, route: TextId) {
        let (now, node) = (self.now, self.setup.node_of_cvm(cvm));
        let done = self.instant(now + self.host.takes(&host::TAMPER, node.0.into(), now, route.0.into()));
        let kernel = self.kernel(node);
        if !kernel.powered {
            return;
        }
        let place = kernel.route_tampers.partition_point(|(other, _)| *other <= done);
        kernel.route_tampers.insert(place, (done, route));
        self.arm_kernel(node);
    }

    /// The command has run. Where there is no such route it complains to whoever typed it.
    pub(super) fn lose_route(&mut self, node: NodeId, route: TextId) {
        let Some(cvm) = self.setup.cvm_of(node) else { return };
        let setup = std::sync::Arc::clone(&self.setup);
        let text = setup.text(route);
        if self.kernel(node).routes.iter().any(|one| one == text) {
            self.change_route(cvm, text, false);
            self.signal(cvm, self.now, Signal::RouteVanished(route));
        }
    }
}
