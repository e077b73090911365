//! Routes that programs ask for. They are kept and told of; no packet of this world goes by one, since its nodes speak to
//! their own subnets and to gateways.

use super::setup::CvmId;
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
}
