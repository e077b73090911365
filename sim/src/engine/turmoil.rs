//! The faithful engine: every machine is a host of turmoil and runs the real [shell].
//!
//! The shell awaits a [`SimEnv`], which shares the [`World`] with everybody else. A packet or a signal wakes it
//! by a [`Notify`]; its timers are tokio's own, on the machine's own paused clock. turmoil lets the hosts of a step
//! run in a random order, kills them by `crash` and starts them by `bounce`. Its network carries nothing.
//!
//! A step of turmoil is an instant of the world. Its tick stays the millisecond that tokio's timers are made of,
//! whatever the world's tick is worth: [`SimEnv`] converts. Idle ticks are stepped through as well, which is what
//! makes this engine slow.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration as Span;

use havip::shell;
use havip::time::{Duration, Time};
use tokio::sync::Notify;

use super::env::SimEnv;
use super::programs::AnyProgram;
use crate::observe::Observer;
use crate::world::{CvmId, Setup, Wants, World};

/// turmoil's tick, and the grain of tokio's timers.
const STEP: Span = Span::from_millis(1);

/// What turmoil's hosts take their seed from where nobody chooses one.
const ORDER: u64 = 1;

/// What runs a program on a host: [`shell::run`], except where a test breaks it.
pub(super) type Shell = fn(AnyProgram, SimEnv) -> Pin<Box<dyn Future<Output = ()>>>;

/// A run under way.
pub struct Turmoil {
    sim: turmoil::Sim<'static>,
    shared: Rc<Shared>,
    setup: Arc<Setup>,
    /// The machines' names as hosts.
    hosts: Vec<String>,
    /// How many steps turmoil has made: the next is the instant `steps * tick`.
    steps: u64,
}

/// What the hosts share.
pub(super) struct Shared {
    world: RefCell<World>,
    /// By machine: what attaches its program to the world, while one runs.
    ports: Vec<RefCell<Option<Rc<Port>>>>,
    shell: Shell,
    /// The instant that turmoil's step is, whether anything happens in the world then or not.
    now: Cell<Time>,
    tick: Duration,
}

/// What attaches one run of a program to the world. A program that was crashed has none any more, whatever its
/// destructors try.
#[derive(Default)]
pub(super) struct Port {
    pub(super) called: Notify,
    pub(super) detached: Cell<bool>,
}

impl Shared {
    pub(super) fn world(&self) -> Ref<'_, World> {
        self.world.borrow()
    }
    pub(super) fn world_mut(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }
    pub(super) fn now(&self) -> Time {
        self.now.get()
    }
    /// How long a length of the world's time is on turmoil's clock: a millisecond a tick.
    pub(super) fn steps(&self, length: Duration) -> Span {
        Span::from_millis(length.as_nanos() / self.tick.as_nanos())
    }

    /// The software of a host: a new program of its machine, run by the shell.
    async fn live(self: Rc<Self>, cvm: CvmId) {
        let Some(port) = self.ports[usize::from(cvm.0)].borrow().clone() else { return };
        let program = {
            let world = self.world();
            AnyProgram::of(world.setup(), cvm, world.file_of(cvm))
        };
        (self.shell)(program, SimEnv::new(Rc::clone(&self), cvm, port)).await;
    }
}

impl Turmoil {
    /// A run at its beginning.
    pub fn new(setup: Arc<Setup>) -> Self {
        Self::with_order(setup, ORDER)
    }

    /// A run whose hosts take their turns in another order. It makes no difference: a test shows it.
    pub fn with_order(setup: Arc<Setup>, order: u64) -> Self {
        Self::with_shell(setup, order, |program, env| Box::pin(shell::run(program, env)))
    }

    pub(super) fn with_shell(setup: Arc<Setup>, order: u64, shell: Shell) -> Self {
        let world = World::new(Arc::clone(&setup), Duration::ZERO);
        let ports = setup.cvms.iter().map(|_| RefCell::default()).collect();
        let shared = Rc::new(Shared {
            world: RefCell::new(world),
            ports,
            shell,
            now: Cell::new(Time::ZERO),
            tick: setup.tick,
        });
        let mut sim = new_sim(order);
        let mut hosts = Vec::new();
        for i in 0..setup.cvms.len() as u16 {
            let host = format!("machine-{i}");
            let shared = Rc::clone(&shared);
            sim.host(host.as_str(), move || {
                let shared = Rc::clone(&shared);
                async move {
                    shared.live(CvmId(i)).await;
                    Ok(())
                }
            });
            sim.crash(host.as_str()); // turmoil starts a host when it is made; the world says when a program starts
            hosts.push(host);
        }
        Turmoil { sim, shared, setup, hosts, steps: 0 }
    }

    /// Moves the acts, none of which has happened yet, to later.
    pub fn shift_acts(&mut self, shift: Duration) {
        self.shared.world_mut().shift_acts(shift);
    }

    /// Runs every instant up to and including `end`, and shows each to the observer.
    ///
    /// # Panics
    /// When a program does.
    pub fn run(&mut self, end: Time, observer: &mut dyn Observer) {
        self.shared.world_mut().watch(observer.wants(), end);
        let silent = observer.wants() == Wants::default();
        loop {
            let next = self.shared.world().next_instant();
            let Some(now) = next.filter(|&t| t <= end) else { return };
            // Axiom 1: an instant is a multiple of the tick.
            for _ in self.steps..now.as_nanos() / self.setup.tick.as_nanos() {
                self.step();
            }
            self.shared.world_mut().begin(now);
            self.let_hosts_come_and_go();
            self.step();
            let mut world = self.shared.world_mut();
            if !silent {
                world.sort_reports();
                observer.instant(&self.setup, &*world, world.reports());
            }
            world.end();
        }
    }

    /// Crashes the hosts whose programs are gone, starts those whose programs begin, wakes the others.
    fn let_hosts_come_and_go(&mut self) {
        for i in 0..self.setup.cvms.len() as u16 {
            let cvm = CvmId(i);
            let world = self.shared.world();
            let (runs, starts, is_called) =
                (world.is_running(cvm), world.is_starting(cvm), world.is_called(cvm));
            drop(world);
            let port = &self.shared.ports[usize::from(i)];
            let host = self.hosts[usize::from(i)].as_str();
            if !runs && let Some(old) = port.take() {
                old.detached.set(true); // before the crash, which runs destructors
                self.sim.crash(host);
            }
            if starts {
                port.replace(Some(Rc::default()));
                self.sim.bounce(host);
            } else if is_called && let Some(port) = &*port.borrow() {
                port.called.notify_one();
            }
        }
    }

    fn step(&mut self) {
        self.shared.now.set(Time::ZERO + self.setup.tick * self.steps);
        self.steps += 1;
        if let Err(error) = self.sim.step() {
            panic!("turmoil stopped: {error}");
        }
    }
}

impl fmt::Debug for Turmoil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turmoil").field("steps", &self.steps).finish_non_exhaustive()
    }
}

#[expect(clippy::disallowed_types, reason = "turmoil asks for an epoch and takes the wall clock's otherwise")]
fn new_sim(order: u64) -> turmoil::Sim<'static> {
    turmoil::Builder::new()
        .epoch(std::time::SystemTime::UNIX_EPOCH)
        .simulation_duration(Span::MAX)
        .tick_duration(STEP)
        .enable_random_order()
        .rng_seed(order)
        .build()
}
