//! A machine of the world, as the real shell awaits it.

use std::net::IpAddr;
use std::rc::Rc;

use havip::files::Files;
use havip::program::{
    Action, AddressChange, Event, Interface, InterfaceId, Now, ScriptId, ScriptResult, WatchId,
};
use havip::shell::Env;
use havip::time::Time;
use tracing::level_filters::LevelFilter;

use super::context::set_running;
use super::turmoil::{Port, Shared};
use crate::world::CvmId;

/// The environment of one run of a program.
pub(super) struct SimEnv {
    shared: Rc<Shared>,
    cvm: CvmId,
    port: Rc<Port>,
    /// The event that the program is looking at: the world cannot stay borrowed while it does.
    held: Held,
    bytes: Vec<u8>,
}

/// An event without what it borrows.
enum Held {
    Start(Vec<Interface>, Time),
    Packet(InterfaceId),
    Neighbour(InterfaceId),
    Timer,
    Link(InterfaceId, bool),
    Appeared(Box<Interface>),
    Address(InterfaceId, IpAddr, AddressChange),
    Script(ScriptId, ScriptResult),
    /// Its text is in `bytes`.
    RouteVanished,
    /// Its text is in `bytes`, if there is one.
    File(WatchId, bool),
    Process(WatchId, u32),
    Reload(Box<Files>),
    Stop,
}

impl SimEnv {
    pub(super) fn new(shared: Rc<Shared>, cvm: CvmId, port: Rc<Port>) -> Self {
        SimEnv { shared, cvm, port, held: Held::Timer, bytes: Vec::new() }
    }

    /// Takes the next event of this instant, if there is one. Between the world's instants there is none: what
    /// wakes there is the timer of a program that stands still.
    fn take(&mut self) -> Option<Now> {
        let mut world = self.shared.world_mut();
        if world.now() != self.shared.now() {
            return None;
        }
        let (now, event) = world.poll(self.cvm)?;
        let mut keep = |bytes: &[u8]| {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
        };
        self.held = match event {
            Event::Start { interfaces, booted } => Held::Start(interfaces.to_vec(), booted),
            Event::Packet { interface, packet } => {
                keep(packet);
                Held::Packet(interface)
            }
            Event::Neighbour { interface, frame } => {
                keep(frame);
                Held::Neighbour(interface)
            }
            Event::Timer => Held::Timer,
            Event::Appeared { interface } => Held::Appeared(Box::new(interface.clone())),
            Event::Link { interface, up } => Held::Link(interface, up),
            Event::Address { interface, address, change } => Held::Address(interface, address, change),
            Event::RouteVanished { route } => {
                keep(route.as_bytes());
                Held::RouteVanished
            }
            Event::Script { script, result } => Held::Script(script, result),
            Event::File { file, text } => {
                keep(text.unwrap_or_default().as_bytes());
                Held::File(file, text.is_some())
            }
            Event::Process { watch, running } => Held::Process(watch, running),
            Event::Reload { files } => Held::Reload(Box::new(files.clone())),
            Event::Stop => Held::Stop,
        };
        Some(now)
    }

    fn event(&self) -> Event<'_> {
        match &self.held {
            Held::Start(interfaces, booted) => Event::Start { interfaces, booted: *booted },
            Held::Packet(interface) => Event::Packet { interface: *interface, packet: &self.bytes },
            Held::Neighbour(interface) => Event::Neighbour { interface: *interface, frame: &self.bytes },
            Held::Timer => Event::Timer,
            Held::Appeared(interface) => Event::Appeared { interface },
            Held::Link(interface, up) => Event::Link { interface: *interface, up: *up },
            Held::Address(interface, address, change) => {
                Event::Address { interface: *interface, address: *address, change: *change }
            }
            Held::Script(script, result) => Event::Script { script: *script, result: *result },
            Held::RouteVanished => {
                Event::RouteVanished { route: std::str::from_utf8(&self.bytes).unwrap_or_default() }
            }
            Held::File(file, exists) => {
                let text = exists.then(|| std::str::from_utf8(&self.bytes).unwrap_or_default());
                Event::File { file: *file, text }
            }
            Held::Process(watch, running) => Event::Process { watch: *watch, running: *running },
            Held::Reload(files) => Event::Reload { files },
            Held::Stop => Event::Stop,
        }
    }

    /// Waits until the machine calls or the program's timer fires: on tokio's clock, whose millisecond is a tick.
    /// One that has fired and is not taken is a frozen program's: the machine calls it when it goes on.
    async fn wait(&self) {
        let (now, timer) = (self.shared.now(), self.shared.world().timer(self.cvm));
        let sleeps = timer.filter(|&at| at > now).map(|at| self.shared.steps(at - now));
        let called = self.port.called.notified();
        match sleeps {
            // Polls the call before the clock, always in this order.
            Some(span) => drop(tokio::time::timeout(span, called).await),
            None => called.await,
        }
        let elapsed = self.shared.steps(self.shared.now() - Time::ZERO);
        assert_eq!(turmoil::sim_elapsed(), Some(elapsed), "turmoil's clock and the world's are one");
    }
}

impl Env for SimEnv {
    async fn next(&mut self, deadline: Option<Time>) -> (Now, Event<'_>) {
        self.shared.world_mut().set_deadline(self.cvm, deadline);
        let now = loop {
            if let Some(now) = self.take() {
                break now;
            }
            self.wait().await;
        };
        if LevelFilter::current() != LevelFilter::OFF {
            set_running(Some((self.shared.now(), self.cvm)));
        }
        (now, self.event())
    }

    fn apply(&mut self, _: Now, action: Action<'_>) {
        if !self.port.detached.get() {
            self.shared.world_mut().apply(self.cvm, action);
        }
    }
}
