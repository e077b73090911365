//! The state machine as a table: what each state makes of each event.
//!
//! [`cell`] is all of it, a function without memory: which state comes next, and what is done, in order. Guards
//! that need an instance's values (is this advertisement better than ours?) have been asked before, and their
//! answer is the [`Input`]; how a thing is done is the router's. What follows is `state-machine.md` beside this
//! file, which is made from here.
//!
#![doc = include_str!("state-machine.md")]

use std::fmt;

use crate::profile::{Profile, Switch};
use crate::program::Role;

/// What happens to a virtual router, as its state machine tells things apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// It begins, and nothing is in the way.
    Start,
    /// It begins as master: priority 255 with `state MASTER`; in 1.3, `state MASTER`.
    StartAsMaster,
    /// Something it cannot do without is missing: its link, its source address, a tracker of weight 0.
    Fault,
    /// Another member of its group is in FAULT.
    GroupFault,
    /// Its own link is down.
    LinkDown,
    /// Nothing is missing any more.
    Mended,
    /// The same, of a master whose link was down for so short a time that nobody can have missed it.
    MendedInTime,
    /// It is to end.
    Stop,
    /// The master down timer: no advertisement came.
    MasterDown,
    /// The same, while another member of its group still hears a master.
    MasterDownAlone,
    /// Every member of its group has lost its master.
    GroupTakesOver,
    /// Another member of its group is no longer master.
    GroupGivesWay,
    /// The advertisement timer.
    AdvertDue,
    /// An advertisement of priority 0.
    Leaving,
    /// One that does not outrank it.
    Lower,
    /// The same, while a backup obeys it: `nopreempt`, or `preempt_delay` runs.
    LowerObeyed,
    /// One that outranks it: to a backup, of at least its own priority; to a master, of a higher one, or the same and a
    /// higher address.
    Higher,
    /// One of its own priority and its own address.
    Own,
    /// One that is refused.
    Refused,
    /// Its effective priority rose.
    Raised,
    /// Its effective priority fell.
    Lowered,
    /// Somebody else took one of its addresses off the interface.
    AddressLost,
    /// Its process did not run for so long that another machine must be master by now.
    StoodStill,
}

/// One thing a state machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Becomes what the cell says, and tells whoever watches.
    Turn,
    /// Sends an advertisement.
    Advertise,
    /// Sends one of priority 0.
    SayGoodbye,
    /// Sends an advertisement, the next one an interval from now, unless `lower_prio_no_advert`.
    AnswerLower,
    /// Sends an advertisement if `higher_prio_send_advert`.
    AnswerHigher,
    /// The master down timer: a master down interval from now.
    AwaitMaster,
    /// The same, in the name of the group: what was waited for stays to be told.
    AwaitGroup,
    /// The master down timer: a skew time from now.
    AwaitSkew,
    /// The master down timer moves by what the priority's change is worth.
    ShiftWait,
    /// The advertisement timer: an interval from now.
    ArmAdvert,
    /// The advertisement timer: twice more within a skew time, and then an interval apart again.
    RepeatAdvert,
    /// No timer of the election runs.
    DisarmElection,
    /// Nothing is waited for at all.
    DisarmAll,
    /// The advertised interval is the master's (VRRPv3).
    AdoptInterval,
    /// The interval is its own again.
    OwnInterval,
    /// `preempt_delay` has not begun.
    ForgetPreemptDelay,
    /// Puts the addresses on the interface, and announces them as soon as they are there.
    AddAddresses,
    /// The same, one advertisement interval later.
    AddAddressesLater,
    /// Takes them off.
    RemoveAddresses,
    /// Adds them again, so that their lease begins anew.
    RenewLease,
    /// Announces them if `garp_master_refresh` says it is time.
    Refresh,
    /// Announces them as after a lower-priority advertisement.
    AnnounceAgainstLower,
    /// Announces them as after a takeover.
    AnnounceAgain,
    /// Announces the source of its own advertisements.
    AnnounceSource,
    /// No announcement that was planned will be made.
    ForgetAnnouncements,
}

/// A cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The next state; often the same.
    pub to: Role,
    /// What is done, in order.
    pub effects: &'static [Effect],
}

use Effect::{
    AddAddresses, AddAddressesLater, AdoptInterval, Advertise, AnnounceAgain, AnnounceAgainstLower,
    AnnounceSource, AnswerHigher, AnswerLower, ArmAdvert, AwaitGroup, AwaitMaster, AwaitSkew, DisarmAll,
    DisarmElection, ForgetAnnouncements, ForgetPreemptDelay, OwnInterval, Refresh, RemoveAddresses,
    RenewLease, RepeatAdvert, SayGoodbye, ShiftWait, Turn,
};

impl Input {
    /// Every input, in the table's order.
    pub const ALL: [Input; 23] = [
        Input::Start,
        Input::StartAsMaster,
        Input::Fault,
        Input::GroupFault,
        Input::LinkDown,
        Input::Mended,
        Input::MendedInTime,
        Input::Stop,
        Input::MasterDown,
        Input::MasterDownAlone,
        Input::GroupTakesOver,
        Input::GroupGivesWay,
        Input::AdvertDue,
        Input::Leaving,
        Input::Lower,
        Input::LowerObeyed,
        Input::Higher,
        Input::Own,
        Input::Refused,
        Input::Raised,
        Input::Lowered,
        Input::AddressLost,
        Input::StoodStill,
    ];

    /// In a few words, for the table in the documentation.
    pub const fn words(self) -> &'static str {
        match self {
            Input::Start => "start",
            Input::StartAsMaster => "start as master",
            Input::Fault => "fault",
            Input::GroupFault => "fault of the group",
            Input::LinkDown => "own link down",
            Input::Mended => "mended",
            Input::MendedInTime => "mended, not missed",
            Input::Stop => "stop",
            Input::MasterDown => "master down timer",
            Input::MasterDownAlone => "master down timer, group not ready",
            Input::GroupTakesOver => "group takes over",
            Input::GroupGivesWay => "group gives way",
            Input::AdvertDue => "advertisement timer",
            Input::Leaving => "advert of priority 0",
            Input::Lower => "lower advert",
            Input::LowerObeyed => "lower advert, obeyed",
            Input::Higher => "higher advert",
            Input::Own => "own advert",
            Input::Refused => "refused advert",
            Input::Raised => "priority raised",
            Input::Lowered => "priority lowered",
            Input::AddressLost => "address taken by hand",
            Input::StoodStill => "process stood still",
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// keepalived's order: advertisement, addresses, announcements.
const TAKE_OVER: &[Effect] = &[DisarmElection, ForgetPreemptDelay, Turn, Advertise, ArmAdvert, AddAddresses];
const TAKE_OVER_LATE: &[Effect] =
    &[DisarmElection, ForgetPreemptDelay, Turn, Advertise, ArmAdvert, AddAddressesLater];
const BEGIN_BACKUP: &[Effect] = &[OwnInterval, ForgetPreemptDelay, Turn, AwaitMaster];

/// What a state makes of an input.
pub fn cell(role: Role, input: Input, profile: Profile) -> Cell {
    match role {
        Role::Init => of_init(input, profile),
        Role::Backup => of_backup(input, profile),
        Role::Master => of_master(input, profile),
        Role::Fault => of_fault(input),
    }
}

/// RFC 9568 section 6.4.1: "The purpose of this state is to wait for a Startup event".
fn of_init(input: Input, profile: Profile) -> Cell {
    match input {
        // RFC 9568 section 6.4.1: "Set the Active_Adver_Interval to Advertisement_Interval - Set the
        // Active_Down_Timer to Active_Down_Interval - Transition to the {Backup} state".
        Input::Start => Cell { to: Role::Backup, effects: BEGIN_BACKUP },
        // RFC 9568 section 6.4.1: "Send an ADVERTISEMENT [...] - Set the Adver_Timer to
        // Advertisement_Interval - Transition to the {Active} state".
        Input::StartAsMaster => Cell { to: Role::Master, effects: taking_over(profile) },
        Input::Fault | Input::GroupFault | Input::LinkDown => Cell { to: Role::Fault, effects: &[Turn] },
        _ => Cell { to: Role::Init, effects: &[] },
    }
}

/// RFC 9568 section 6.4.2: "While in the {Backup} state, a VRRP Router MUST do the following".
fn of_backup(input: Input, profile: Profile) -> Cell {
    let stay = |effects| Cell { to: Role::Backup, effects };
    match input {
        Input::Fault | Input::GroupFault | Input::LinkDown => {
            Cell { to: Role::Fault, effects: &[DisarmElection, Turn] }
        }
        // RFC 9568 section 6.4.2: "If a Shutdown event is received, then: - Cancel the Active_Down_Timer -
        // Transition to the {Initialize} state".
        Input::Stop => Cell { to: Role::Init, effects: &[DisarmAll, Turn] },
        // RFC 9568 section 6.4.2: "If the Active_Down_Timer fires, then: - Send an ADVERTISEMENT [...] - Set
        // the Adver_Timer to Advertisement_Interval - Transition to the {Active} state".
        Input::MasterDown | Input::GroupTakesOver => Cell { to: Role::Master, effects: taking_over(profile) },
        Input::MasterDownAlone => stay(&[AwaitGroup]),
        // RFC 9568 section 6.4.2: "If an ADVERTISEMENT is received, then: - If the Priority in the
        // ADVERTISEMENT is 0, then: o Set the Active_Down_Timer to Skew_Time".
        Input::Leaving => stay(&[AwaitSkew]),
        // RFC 9568 section 6.4.2: "If Preempt_Mode is False, or if the Priority in the ADVERTISEMENT is
        // greater than or equal to the local Priority, then: + Set the Active_Adver_Interval to the Max
        // Advertise Interval contained in the ADVERTISEMENT + Recompute the Skew_Time + Recompute the
        // Active_Down_Interval + Set the Active_Down_Timer to Active_Down_Interval".
        Input::Higher | Input::Own | Input::LowerObeyed => stay(&[AdoptInterval, AwaitMaster]),
        // RFC 9568 section 6.4.2: "else // preempt was true and priority was less than the local priority +
        // Discard the ADVERTISEMENT". The timer runs on, and preemption takes place when it is over.
        Input::Lower => match profile.has(Switch::AnswersLowerAtOnce) {
            false => stay(&[]),
            true => Cell { to: Role::Master, effects: taking_over(profile) },
        },
        Input::Refused if profile.has(Switch::RefusedFeedsBackup) => stay(&[AwaitMaster]),
        Input::Raised | Input::Lowered => stay(&[ShiftWait]),
        _ => stay(&[]),
    }
}

/// RFC 9568 section 6.4.3: "While in the {Active} state, a VRRP Router MUST do the following".
fn of_master(input: Input, profile: Profile) -> Cell {
    let stay = |effects| Cell { to: Role::Master, effects };
    let mends = |switch, mended, measured| if profile.has(switch) { mended } else { measured };
    match input {
        // Measured (c15b, d15): two advertisements of priority 0.
        Input::Fault => {
            let once: &[Effect] = &[SayGoodbye, RemoveAddresses, DisarmElection, ForgetAnnouncements, Turn];
            let twice: &[Effect] = &[SayGoodbye, SayGoodbye, RemoveAddresses, DisarmElection, Turn];
            Cell { to: Role::Fault, effects: mends(Switch::OneGoodbye, once, twice) }
        }
        // Measured (d11): the same, and they wait in the kernel until the link is back. Nobody can be told now, and a
        // goodbye that is late does harm.
        Input::LinkDown => {
            let none: &[Effect] = &[RemoveAddresses, DisarmElection, ForgetAnnouncements, Turn];
            let twice: &[Effect] = &[SayGoodbye, SayGoodbye, RemoveAddresses, DisarmElection, Turn];
            Cell { to: Role::Fault, effects: mends(Switch::OneGoodbye, none, twice) }
        }
        // Measured (d03): one.
        Input::GroupFault => {
            Cell { to: Role::Fault, effects: &[SayGoodbye, RemoveAddresses, DisarmElection, Turn] }
        }
        // RFC 9568 section 6.4.3: "If a Shutdown event is received, then: - Cancel the Adver_Timer - Send an
        // ADVERTISEMENT with Priority = 0 - Transition to the {Initialize} state".
        Input::Stop => Cell { to: Role::Init, effects: &[SayGoodbye, RemoveAddresses, DisarmAll, Turn] },
        // RFC 9568 section 6.4.3: "If the Adver_Timer fires, then: - Send an ADVERTISEMENT - Reset the
        // Adver_Timer to Advertisement_Interval".
        Input::AdvertDue => {
            let leased: &[Effect] = &[Advertise, ArmAdvert, RenewLease, Refresh];
            stay(mends(Switch::LeasesAddresses, leased, &[Advertise, ArmAdvert, Refresh]))
        }
        // RFC 9568 section 6.4.3: "If an ADVERTISEMENT is received, then: - If the Priority in the
        // ADVERTISEMENT is 0, then: o Send an ADVERTISEMENT o Reset the Adver_Timer to
        // Advertisement_Interval".
        Input::Leaving => {
            let again: &[Effect] = &[Advertise, ArmAdvert, RenewLease, AnnounceAgain];
            stay(mends(Switch::ReclaimsAfterSplit, again, &[Advertise, ArmAdvert]))
        }
        // RFC 9568 section 6.4.3: "else // new Active Router logic + Discard the ADVERTISEMENT + Send an
        // ADVERTISEMENT immediately to assert the {Active} state to the sending VRRP Router and to update any
        // learning bridges with the correct Active VRRP Router path." Its own advertisement is no other
        // router's, and gets no answer.
        Input::Lower | Input::LowerObeyed => {
            // Where lower ones come faster than its own interval, its own timer never runs out.
            let leased: &[Effect] = &[AnswerLower, RenewLease, AnnounceAgainstLower];
            stay(mends(Switch::LeasesAddresses, leased, &[AnswerLower, AnnounceAgainstLower]))
        }
        Input::Own => stay(&[ArmAdvert]),
        // RFC 9568 section 6.4.3: "If the Priority in the ADVERTISEMENT is greater than the local Priority or
        // the Priority in the ADVERTISEMENT is equal to the local Priority and the primary IPvX address of
        // the sender is greater than the local primary IPvX address (based on an unsigned integer comparison
        // of the IPvX addresses in network byte order), then: + Cancel Adver_Timer + Set the
        // Active_Adver_Interval to the Max Advertise Interval contained in the ADVERTISEMENT + Recompute the
        // Skew_Time + Recompute the Active_Down_Interval + Set the Active_Down_Timer to Active_Down_Interval
        // + Transition to the {Backup} state".
        Input::Higher => {
            // The advertisement makes a keepalived claim again, the goodbye a havip; no third one takes either for
            // a master, since the goodbye is the last of them.
            let heard: &[Effect] = &[
                Advertise,
                SayGoodbye,
                AdoptInterval,
                RemoveAddresses,
                ForgetAnnouncements,
                Turn,
                DisarmElection,
                ForgetPreemptDelay,
                AwaitMaster,
            ];
            let silent: &[Effect] = &[
                AnswerHigher,
                AdoptInterval,
                RemoveAddresses,
                Turn,
                DisarmElection,
                ForgetPreemptDelay,
                AwaitMaster,
            ];
            Cell { to: Role::Backup, effects: mends(Switch::ReclaimsAfterSplit, heard, silent) }
        }
        // Measured (c21): any packet of its virtual router that reaches a master sets its advertisement timer
        // anew, even one that is refused. An attacker can silence a master so. `havip` goes by RFC 9568
        // section 7.1: "If any one of the above checks fails, the receiver MUST discard the packet".
        Input::Refused => stay(mends(Switch::RefusedFeedsNobody, &[], &[ArmAdvert])),
        // A backup does not speak: which of them is above now, nobody knows but it. After the goodbye each waits its own
        // skew time, whoever is above discards what it hears, and whoever is not obeys it. For the latter it is said three
        // times, all before its skew time can be over: one lost advertisement makes no false master.
        Input::Lowered => stay(mends(Switch::DemotesAtOnce, &[SayGoodbye, Advertise, RepeatAdvert], &[])),
        // Measured (d05): one goodbye, and its own skew time is the shortest of all.
        Input::AddressLost => Cell {
            to: Role::Backup,
            effects: &[
                SayGoodbye,
                RemoveAddresses,
                DisarmElection,
                OwnInterval,
                ForgetPreemptDelay,
                Turn,
                AwaitSkew,
            ],
        },
        // Its kernel may have answered for the addresses while it was late: the goodbye makes the other claim again.
        Input::StoodStill | Input::GroupGivesWay if profile.has(Switch::ReclaimsAfterSplit) => Cell {
            to: Role::Backup,
            effects: &[
                RemoveAddresses,
                SayGoodbye,
                ForgetAnnouncements,
                DisarmElection,
                OwnInterval,
                ForgetPreemptDelay,
                Turn,
                AwaitMaster,
            ],
        },
        Input::StoodStill | Input::GroupGivesWay => Cell {
            to: Role::Backup,
            effects: &[
                RemoveAddresses,
                ForgetAnnouncements,
                DisarmElection,
                OwnInterval,
                ForgetPreemptDelay,
                Turn,
                AwaitMaster,
            ],
        },
        _ => stay(&[]),
    }
}

/// keepalived's own state (RFC 9568 has none): it neither speaks nor listens.
fn of_fault(input: Input) -> Cell {
    match input {
        Input::Mended => Cell {
            to: Role::Backup,
            effects: &[AnnounceSource, OwnInterval, ForgetPreemptDelay, Turn, AwaitMaster],
        },
        // A skew time, so that it hears whoever is master all the same.
        Input::MendedInTime => Cell {
            to: Role::Backup,
            effects: &[AnnounceSource, OwnInterval, ForgetPreemptDelay, Turn, AwaitSkew],
        },
        Input::Stop => Cell { to: Role::Init, effects: &[DisarmAll, Turn] },
        _ => Cell { to: Role::Fault, effects: &[] },
    }
}

fn taking_over(profile: Profile) -> &'static [Effect] {
    if profile.has(Switch::ClaimsOneIntervalLate) { TAKE_OVER_LATE } else { TAKE_OVER }
}
