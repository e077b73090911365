//! A step of steady state allocates nothing: neither a master's advertisement nor a backup's hearing of it, nor what
//! havip does beside: renewing a lease, asking who has an address.

use std::sync::Arc;

use havip::agent::Agent;
use havip::config::{self, Options};
use havip::files::Files;
use havip::profile::Profile;
use havip::program::{Action, Actions, AddressChange, Event, Interface, InterfaceId, Now, Program, Role};
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

const ETH0: InterfaceId = InterfaceId(2);
const SECOND: Duration = Duration::from_secs(1);

fn agent(own: u8, other: u8, priority: u8, profile: Profile) -> Agent {
    let text = format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\nadvert_int 1\n\
         unicast_src_ip 172.16.16.{own}\nunicast_peer {{\n172.16.16.{other}\n}}\n\
         virtual_ipaddress {{\n172.16.16.12\n}}\n}}\n"
    );
    let options = Options { profile, ..Options::default() };
    let config = config::load(&Files::single("k.conf", text), &options).config;
    let mut agent = Agent::new(Arc::new(config), options);
    let addresses = vec![format!("172.16.16.{own}/24").parse().expect("an address")];
    let eth0 =
        Interface { id: ETH0, name: "eth0".into(), mac: Mac([2, 0, 172, 16, 16, own]), addresses, up: true };
    agent.step(at(Time::ZERO), Event::Start { interfaces: &[eth0], booted: Time::ZERO }, &mut Actions::new());
    agent
}

fn at(mono: Time) -> Now {
    Now { mono, utc: mono }
}

fn packets(out: &Actions) -> usize {
    out.iter().filter(|action| matches!(action, Action::SendPacket { .. })).count()
}

#[test]
fn a_master_advertises_and_a_backup_hears_it_without_an_allocation() {
    for profile in Profile::ALL {
        steady_state(profile);
    }
}

fn steady_state(profile: Profile) {
    let (mut a, mut b) = (agent(5, 6, 100, profile), agent(6, 5, 90, profile));
    let (mut from_a, mut from_b) = (Actions::new(), Actions::new());
    let mut now = a.deadline().expect("it waits for a master");
    a.step(at(now), Event::Timer, &mut from_a);
    let added =
        Event::Address { interface: ETH0, address: [172, 16, 16, 12].into(), change: AddressChange::Added };
    a.step(at(now), added, &mut from_a);
    assert_eq!(a.routers()[0].role(), Role::Master);
    let mut tick = || {
        from_a.clear();
        now += SECOND + Duration::from_millis(1);
        a.step(at(now), Event::Timer, &mut from_a);
        for action in from_a.iter() {
            if let Action::SendPacket { packet, .. } = action {
                from_b.clear();
                b.step(at(now), Event::Packet { interface: ETH0, packet }, &mut from_b);
            }
        }
        let renewed = from_a.iter().any(|action| matches!(action, Action::AddAddress { .. }));
        let sent = packets(&from_a);
        if renewed {
            from_a.clear();
            a.step(at(now), added, &mut from_a);
        }
        sent
    };
    // The second burst has passed, and every buffer has the size it needs.
    (0..30).for_each(|_| assert_eq!(tick(), 1));
    let mut sent = 0;
    let counted = allocation_counter::measure(|| sent = (0..1000).map(|_| tick()).sum());
    assert_eq!(sent, 1000, "an advertisement each time");
    assert_eq!(counted.count_total, 0, "{profile}: {counted:?}");
    assert_eq!(b.routers()[0].role(), Role::Backup);
}
