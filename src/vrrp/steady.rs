//! What an instance does again and again while nothing happens: a master advertises, a backup hears it and waits anew.
//!
//! Whoever simulates years of that may ask for it instead of stepping through it (rule 8 of [`program`](crate::program)).
//! Asked is only what changes nothing but times: in doubt there is no beat, and every step is taken.

use super::receive::{Advert, Datagram, Receiver};
use super::router::{Awaited, VirtualRouter, Waiting};
use super::timers::Timer;
use crate::program::{Actions, Beat, Now, Role};
use crate::time::{Duration, Time};
use crate::wire::vrrp::PRIORITY_LEAVING;

impl VirtualRouter {
    /// As a master that nobody contests: when it advertises, until something else is due.
    pub fn beat(&self) -> Option<Beat> {
        let every = self.config.advert_interval;
        let due = self.timers.due(Timer::Advert);
        if self.role != Role::Master || !self.decides_alone() || due != self.spoke + every {
            return None;
        }
        // What it has asked of its kernel is answered between two advertisements.
        if self.installing > 0 || self.renewing > 0 {
            return None;
        }
        let refresh = self.claims.refresh_due().unwrap_or(Time::MAX);
        let until = refresh.min(self.timers.earliest_but(Timer::Advert));
        let within = self.longest_silence().unwrap_or(Duration::MAX);
        (due < until).then_some(Beat { every, within, until })
    }

    /// Its next advertisement, and the addresses whose lease begins anew with it.
    pub fn push_beat(&self, out: &mut Actions) {
        self.push_next_advert(out);
        if self.renews_leases() {
            self.push_renewals(out);
        }
    }

    /// As a backup that obeys: how long it waits after an advertisement that says what the last one said.
    pub fn shrugs_at(&self, now: Now, datagram: &Datagram<'_>) -> Option<Duration> {
        let only_waits = self.timers.earliest_but(Timer::MasterDown) == Time::MAX;
        if self.role != Role::Backup || !only_waits || !self.decides_alone() || now.mono < self.deaf_until {
            return None;
        }
        let receiver = Receiver {
            config: &self.config,
            profile: self.profile,
            addresses: &self.advertised,
            known: self.config.skip_check_addresses && self.checked == Some(datagram.src),
        };
        let advert = receiver.check(now, None, datagram).ok()?;
        let same = self.unlike == advert.unlike
            && self.checked == Some(advert.from)
            && self
                .obeys
                .is_some_and(|(priority, from, _)| (priority, from) == (advert.priority, advert.from))
            && self.master_interval == advert.interval
            && matches!(self.waiting.what, Awaited::Advert);
        (same && self.obeys_on(advert)).then(|| self.down_interval(self.priority, self.master_interval))
    }

    /// It advertised so many times, and last now.
    pub fn kept_speaking(&mut self, times: u32, last: Now) {
        self.identification = self.identification.wrapping_add(times as u16);
        self.spoke = last.mono;
        self.timers.arm(Timer::Advert, last.mono + self.config.advert_interval);
    }

    /// It heard its master, last now.
    pub fn kept_hearing(&mut self, last: Now) {
        self.waiting = Waiting { since: last.mono, what: Awaited::Advert };
        if let Some((.., heard)) = &mut self.obeys {
            *heard = last.mono;
        }
        let wait = self.down_interval(self.priority, self.master_interval);
        self.timers.arm(Timer::MasterDown, last.mono + wait);
    }

    /// No other instance, key or message to somebody has a say.
    fn decides_alone(&self) -> bool {
        !self.group.member && self.authenticator.is_none() && self.notices.is_empty()
    }

    /// Whether hearing an advertisement once more is to obey it once more: no preemption is under way.
    fn obeys_on(&self, advert: Advert) -> bool {
        let lower = advert.priority < self.priority;
        let delays = !self.config.preempt_delay.is_zero();
        advert.priority != PRIORITY_LEAVING
            && (!lower || self.config.nopreempt)
            && (!delays || self.preempt_from.is_some() == lower)
    }
}
