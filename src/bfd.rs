//! One BFD session (RFC 5880, RFC 5881): whether a neighbour is heard, found out within tens of milliseconds.
//!
//! A session is a function of packets and time, and sends no packet itself. It is asynchronous, without authentication,
//! demand and echo, as keepalived's is. While it is not up it sends every `idle_tx`, once a second; up, as often as both
//! sides can bear. By RFC 5880 and keepalived's documentation, not measured.

use crate::time::{Duration, Time};
use crate::wire::bfd::{Diagnostic, Repr, State};

/// What a session is told to be, by its `bfd_instance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `min_tx`: how often it would like to send.
    pub min_tx: Duration,
    /// `min_rx`: how often it is able to hear.
    pub min_rx: Duration,
    /// `idle_tx`: how often it sends while it is not up.
    pub idle_tx: Duration,
    /// `multiplier`: how many packets the neighbour may miss.
    pub multiplier: u8,
    /// `passive`: it says nothing before it has heard the neighbour.
    pub passive: bool,
}

/// A session at work.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    settings: Settings,
    state: State,
    diagnostic: Diagnostic,
    /// Its own number, never 0.
    mine: u32,
    /// The neighbour's number; 0 while nobody is heard.
    yours: u32,
    /// What the neighbour said of itself last.
    neighbour: Neighbour,
    /// A poll sequence is under way: the neighbour has not said that it knows the new intervals.
    polls: bool,
    /// How many packets it has sent, for the spread of their intervals.
    sent: u32,
    sends: Time,
    expires: Time,
}

#[derive(Clone, Copy, Debug)]
struct Neighbour {
    multiplier: u8,
    min_tx: Duration,
    min_rx: Duration,
}

/// What a packet or the time has made of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What it sends.
    pub packet: Option<Repr>,
    /// It has become up, or has ceased to be.
    pub turned: bool,
}

impl Session {
    /// A session that begins now. `mine` is its number on its machine and never 0.
    pub fn new(settings: Settings, mine: u32, now: Time) -> Self {
        let neighbour = Neighbour { multiplier: 1, min_tx: Duration::ZERO, min_rx: Duration::from_micros(1) };
        let mut session = Session {
            settings,
            state: State::Down,
            diagnostic: Diagnostic::NONE,
            mine,
            yours: 0,
            neighbour,
            polls: false,
            sent: 0,
            sends: Time::MAX,
            expires: Time::MAX,
        };
        session.schedule(now);
        session
    }

    /// What it was told to be.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
    /// The number that packets for it carry, unless their sender has not heard it yet.
    pub fn number(&self) -> u32 {
        self.mine
    }
    /// Whether both sides hear each other.
    pub fn is_up(&self) -> bool {
        self.state == State::Up
    }
    /// Why it left that state last.
    pub fn diagnostic(&self) -> Diagnostic {
        self.diagnostic
    }
    /// How long nothing may come until it is down: "the value of Detect Mult received from the remote system, multiplied
    /// by the agreed transmit interval of the remote system" (RFC 5880 section 6.8.4).
    pub fn detection_time(&self) -> Duration {
        self.settings.min_rx.max(self.neighbour.min_tx) * u64::from(self.neighbour.multiplier)
    }
    /// When it next has something to do.
    pub fn deadline(&self) -> Time {
        self.sends.min(self.expires)
    }

    /// A packet for it.
    pub fn receive(&mut self, now: Time, heard: &Repr) -> Outcome {
        let micros = |us: u32| Duration::from_micros(us.into());
        self.yours = heard.mine;
        self.neighbour = Neighbour {
            multiplier: heard.multiplier,
            min_tx: micros(heard.min_tx_us),
            min_rx: micros(heard.min_rx_us),
        };
        self.polls &= !heard.is_final;
        let was_up = self.is_up();
        match (self.state, heard.state) {
            (State::Down | State::AdminDown, State::AdminDown) => {}
            (_, State::AdminDown) | (State::Up, State::Down) => {
                self.fall(Diagnostic::NEIGHBOUR_SIGNALLED_DOWN);
            }
            (State::Down, State::Down) => self.state = State::Init,
            (State::Down, State::Init) | (State::Init, State::Init | State::Up) => {
                (self.state, self.diagnostic, self.polls) = (State::Up, Diagnostic::NONE, true);
            }
            _ => {}
        }
        let turned = self.is_up() != was_up;
        self.expires = now + self.detection_time();
        // What it sends next is due sooner where it has come up, or has heard that the neighbour can bear more.
        let before = self.sends;
        self.schedule(now);
        self.sends = self.sends.min(before);
        let answer = Repr { poll: false, is_final: true, ..self.says() };
        Outcome { packet: heard.poll.then_some(answer), turned }
    }

    /// Its deadline has passed.
    pub fn timer(&mut self, now: Time) -> Outcome {
        let was_up = self.is_up();
        if self.expires <= now {
            (self.expires, self.yours) = (Time::MAX, 0);
            if matches!(self.state, State::Init | State::Up) {
                self.fall(Diagnostic::EXPIRED);
            }
        }
        let due = self.sends <= now;
        if due {
            self.sent = self.sent.wrapping_add(1);
            self.schedule(now);
        }
        Outcome { packet: due.then(|| self.says()), turned: self.is_up() != was_up }
    }

    fn fall(&mut self, why: Diagnostic) {
        (self.state, self.diagnostic, self.polls) = (State::Down, why, false);
    }

    /// How often it would like to send: "when bfd.SessionState is not Up, the system MUST set
    /// bfd.DesiredMinTxInterval to a value of not less than one second" (RFC 5880 section 6.8.3).
    fn desired(&self) -> Duration {
        match self.state {
            State::Up => self.settings.min_tx,
            _ => self.settings.idle_tx.max(Duration::from_secs(1)),
        }
    }

    /// When it sends next, from now on: less 10 to 25 percent of the interval, as keepalived does it (RFC 5880 section
    /// 6.8.7 wants 0 to 25, and at least 10 where one missing packet is too many). It is spread by a hash, since a
    /// program draws no chance.
    fn schedule(&mut self, now: Time) {
        let silent = self.settings.passive && self.yours == 0;
        if silent || self.neighbour.min_rx.is_zero() {
            self.sends = Time::MAX;
            return;
        }
        let interval = self.desired().max(self.neighbour.min_rx);
        let spread = (self.mine ^ self.sent.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b) >> 16;
        let percent = u64::from(75 + spread % 16);
        self.sends = now + Duration::from_nanos(interval.as_nanos() / 100 * percent);
    }

    fn says(&self) -> Repr {
        let micros = |d: Duration| u32::try_from(d.as_micros()).unwrap_or(u32::MAX);
        Repr {
            state: self.state,
            diagnostic: self.diagnostic,
            poll: self.polls,
            is_final: false,
            multiplier: self.settings.multiplier,
            mine: self.mine,
            yours: self.yours,
            min_tx_us: micros(self.desired()),
            min_rx_us: micros(self.settings.min_rx),
        }
    }
}

#[cfg(test)]
mod tests;
