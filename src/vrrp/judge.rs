//! What an event means to an instance in its state: an advertisement ranked against itself, a timer, a long
//! sleep; made an [`Input`], with the words for whoever reads the record.

use std::sync::Arc;

use tracing::info;

use super::perform::Cause;
use super::receive::Advert;
use super::router::{Awaited, Notice, VirtualRouter};
use super::table::Input;
use super::timers::Timer;
use crate::profile::Switch;
use crate::program::{Action, Actions, Now, Record, Role, Value, Why};
use crate::time::{Duration, Time};
use crate::wire::vrrp::{PRIORITY_LEAVING, PRIORITY_OWNER};

impl VirtualRouter {
    /// Ranks an advertisement against itself.
    pub(super) fn judge(&mut self, now: Now, advert: Advert, out: &mut Actions) {
        if self.is_a_losers_goodbye(advert) {
            return;
        }
        self.give_up_ownership_if_claimed_by(advert, out);
        let input = match self.role {
            _ if advert.priority == PRIORITY_LEAVING => Input::Leaving,
            Role::Backup => self.rank_as_backup(now, advert, out),
            _ => self.rank_as_master(advert),
        };
        let why = match (self.role, input) {
            (Role::Master, Input::Higher) => self.why_it_gives_way(advert),
            (Role::Master, _) | (_, Input::Lower) => {
                let values = [Value::Number(advert.priority.into()), Value::Address(advert.from)];
                Why::with("priority {} heard from {}", values)
            }
            _ => Why::NONE,
        };
        if (self.role, input) == (Role::Master, Input::Lower) {
            self.notices.push(Notice::MasterHeardLower);
        }
        self.log_rank(input, advert);
        self.apply(input, &Cause { advert: Some(advert), ..Cause::new(now, why) }, out);
    }

    /// After a split the loser says goodbye, to the winner: a third machine that obeys the winner has lost no master, and
    /// its skew time would be over before the winner's next advertisement.
    fn is_a_losers_goodbye(&self, advert: Advert) -> bool {
        let of_another = self.obeys.is_some_and(|(_, master, _)| master != advert.from);
        advert.priority == PRIORITY_LEAVING
            && self.role == Role::Backup
            && of_another
            && self.profile.has(Switch::ReclaimsAfterSplit)
    }

    /// Two machines say that they own the address: who hears it first is no longer an owner, until a reload. By the source
    /// of 2.2.7, at the first such advertisement; 2.3.3 bears two of them, and 1.2 intervals.
    fn give_up_ownership_if_claimed_by(&mut self, advert: Advert, out: &mut Actions) {
        let both_own = (advert.priority, self.priority) == (PRIORITY_OWNER, PRIORITY_OWNER);
        let disputed = self.role == Role::Master && both_own && advert.from != self.place.source;
        if !disputed || self.profile.has(Switch::RanksOwners) {
            return;
        }
        self.priority = PRIORITY_OWNER - 1;
        Arc::make_mut(&mut self.config).priority = self.priority;
        let values = [Value::Address(advert.from), Value::Number(self.priority.into())];
        self.note(Why::with("{} owns the address as well: effective priority 255 -> {}", values), out);
        self.notices.push(Notice::Priority(self.priority));
    }

    fn rank_as_backup(&mut self, now: Now, advert: Advert, out: &mut Actions) -> Input {
        let lower = advert.priority < self.priority;
        self.run_preempt_delay(now, lower, out);
        let delayed = self.preempt_from.is_some_and(|from| now.mono < from);
        match lower {
            false => Input::Higher,
            true if self.config.nopreempt || delayed => Input::LowerObeyed,
            true => Input::Lower,
        }
    }

    /// RFC 9568 section 6.4.3: priority first, then "the primary IPvX address of the sender".
    fn rank_as_master(&self, advert: Advert) -> Input {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match (advert.priority, advert.from).cmp(&(self.priority, self.place.source)) {
            Less => Input::Lower,
            Equal => Input::Own,
            Greater => Input::Higher,
        }
    }

    /// `preempt_delay` begins with the first lower-priority advertisement, and any other one cancels it.
    fn run_preempt_delay(&mut self, now: Now, lower: bool, out: &mut Actions) {
        if self.config.preempt_delay.is_zero() {
            return;
        }
        match (lower, self.preempt_from) {
            (true, None) => {
                let delay = self.config.preempt_delay;
                self.preempt_from = Some(now.mono + delay);
                info!("({}) start preempt delay ({})", self.config.name, delay.display(6));
                let why =
                    Why::with("preempt_delay {} starts: a lower priority is master", [Value::Seconds(delay)]);
                self.note(why, out);
            }
            (false, Some(_)) => self.preempt_from = None,
            _ => {}
        }
    }

    pub(super) fn master_is_down(&mut self, now: Now, out: &mut Actions) {
        let cause = |why| Cause::new(now, why);
        match self.role {
            Role::Init if self.begun => {
                info!("({}) Entering MASTER STATE", self.config.name);
                self.apply(Input::StartAsMaster, &cause(Why::new("state MASTER")), out);
            }
            Role::Backup => {
                info!("({}) Receive advertisement timeout", self.config.name);
                if self.group.member {
                    self.group.wants_master = Some(now.mono);
                    return self.apply(Input::MasterDownAlone, &cause(Why::NONE), out);
                }
                info!("({}) Entering MASTER STATE", self.config.name);
                self.apply(Input::MasterDown, &cause(self.why_master_is_down(now)), out);
            }
            _ => {}
        }
    }

    /// Measured (reality 8.9): 2.2.7 discards what it hears during `vrrp_startup_delay`, but each packet adds the rest
    /// of the delay to its timer.
    pub(super) fn hear_nothing_yet(&mut self, now: Now) {
        let due = self.timers.due(Timer::MasterDown);
        if !self.profile.has(Switch::StartupDelayOnce) && due != Time::MAX {
            self.timers.arm(Timer::MasterDown, due + self.deaf_until.saturating_since(now.mono));
        }
    }

    /// A master that was not scheduled for so long that another must have taken over steps down before it speaks.
    pub(super) fn step_down_if_it_stood_still(&mut self, now: Now, out: &mut Actions) {
        if self.role != Role::Master {
            return;
        }
        let silent = now.mono.saturating_since(self.spoke);
        if self.longest_silence().is_some_and(|longest| silent > longest) {
            let why = Why::with("it did not run for {} s", [Value::Seconds(silent)]);
            self.apply(Input::StoodStill, &Cause::new(now, why), out);
        }
    }

    /// After how long a silence it takes another to be master, if it asks itself that at all.
    pub(super) fn longest_silence(&self) -> Option<Duration> {
        let priority = match self.config.timer_expired_backup {
            Some(priority) => priority,
            None if self.profile.has(Switch::LateWakeStepsDown) => 254,
            None => return None,
        };
        Some(self.down_interval(priority, self.config.advert_interval))
    }

    /// Whether it is back before anybody can have missed it: it said no goodbye, and even who has not had its last
    /// advertisement waits still.
    pub(super) fn is_not_missed(&mut self, now: Now) -> bool {
        let own = self.config.advert_interval;
        let silent = now.mono.saturating_since(self.spoke);
        std::mem::take(&mut self.cut_off)
            && self.profile.has(Switch::OneGoodbye)
            && silent + own < self.down_interval(254, own)
    }

    // Words.

    pub(super) fn note(&self, why: Why, out: &mut Actions) {
        out.push(Action::Record(Record::Note { subject: Some(self.subject), why }));
    }

    pub(super) fn why_master_is_down(&self, now: Now) -> Why {
        let waited = now.mono.saturating_since(self.waiting.since).as_micros();
        let waited = Value::Seconds(Duration::from_micros(waited));
        match self.waiting.what {
            Awaited::SkewAfter(peer) => {
                Why::with("{} left; skew time {} s is over", [Value::Address(peer), waited])
            }
            Awaited::OwnSkew => Why::with("its own skew time {} s is over", [waited]),
            Awaited::Advert => {
                let priority = Value::Number(self.priority.into());
                Why::with("no advert for {} s (priority {})", [waited, priority])
            }
        }
    }

    fn why_it_gives_way(&self, advert: Advert) -> Why {
        let (from, own) = (Value::Address(advert.from), Value::Number(self.priority.into()));
        if advert.priority == self.priority {
            return Why::with("advert of {}: same priority {}, higher address", [from, own]);
        }
        let values = [from, Value::Number(advert.priority.into()), own];
        Why::with("advert of {}: priority {}, ours {}", values)
    }

    /// keepalived's own words in the log, for people who compare.
    fn log_rank(&self, input: Input, advert: Advert) {
        let (name, ours) = (&self.config.name, self.priority);
        let Advert { from, priority, .. } = advert;
        match (self.role, input) {
            (Role::Master, Input::Leaving) => info!("({name}) Master received priority 0 message"),
            (Role::Master, Input::Lower) => info!(
                "({name}) Received advert from {from} with lower priority {priority}, ours {ours}, forcing new election"
            ),
            (Role::Master, Input::Own) => info!("({name}) received an advert from its own address"),
            (Role::Master, Input::Higher) => info!(
                "({name}) Master received advert from {from} with higher priority {priority}, ours {ours}\n\
                 ({name}) Entering BACKUP STATE"
            ),
            _ => {}
        }
    }
}
