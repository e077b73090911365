//! What a campaign holds every run against, and a script may expect of its own: a closed list of rules, each with the
//! sentence a reader needs.

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rule {
    /// A master that hears a better one gives way.
    OneMasterASide,
    /// A backup holds nothing.
    HoldsAsMasterOnly,
    /// Silence makes a master.
    SilenceMakesMaster,
    /// Nobody becomes master while it hears one it would obey.
    NoEarlyTakeover,
    /// `nopreempt` holds.
    Nopreempt,
    /// `preempt_delay` is waited for.
    PreemptDelay,
    /// Only masters claim.
    ClaimsAsMasterOnly,
    /// The cloud believes claims for HAVIPs only.
    OnlyHavips,
    /// The binding is the master's.
    BindingIsMasters,
    /// Every client reaches the master.
    ClientsReachMaster,
    /// After a split, binding and clients agree with who stayed master.
    HealAgrees,
    /// A killed agent's addresses go by themselves.
    LeaseRunsOut,
    /// Every transition has a cause.
    EveryTransitionHasACause,
    /// After everything is mended there is one master, and it serves.
    Converges,
    /// No client is without its address for longer than the plan allows.
    OutageLimit,
    /// A master has its addresses.
    HasAddressAsMaster,
    /// A master that is stopped says goodbye.
    SaysGoodbye,
    /// A master advertises as often as it promises.
    AdvertisesInTime,
    /// Only masters advertise.
    AdvertisesAsMasterOnly,
    /// Who stood still steps down before it speaks.
    NoLateSpeech,
    /// A master gives way to a better one only.
    GivesWayToBetterOnly,
    /// Members of a sync group go together.
    GroupAgrees,
}

/// Every rule, in the order of their numbers.
pub const RULES: [Rule; 22] = [
    Rule::OneMasterASide,
    Rule::HoldsAsMasterOnly,
    Rule::SilenceMakesMaster,
    Rule::NoEarlyTakeover,
    Rule::Nopreempt,
    Rule::PreemptDelay,
    Rule::ClaimsAsMasterOnly,
    Rule::OnlyHavips,
    Rule::BindingIsMasters,
    Rule::ClientsReachMaster,
    Rule::HealAgrees,
    Rule::LeaseRunsOut,
    Rule::EveryTransitionHasACause,
    Rule::Converges,
    Rule::OutageLimit,
    Rule::HasAddressAsMaster,
    Rule::SaysGoodbye,
    Rule::AdvertisesInTime,
    Rule::AdvertisesAsMasterOnly,
    Rule::NoLateSpeech,
    Rule::GivesWayToBetterOnly,
    Rule::GroupAgrees,
];

impl Rule {
    /// Its name in plans and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::OneMasterASide => "one-master-a-side",
            Rule::HoldsAsMasterOnly => "holds-as-master-only",
            Rule::SilenceMakesMaster => "silence-makes-master",
            Rule::NoEarlyTakeover => "no-early-takeover",
            Rule::Nopreempt => "nopreempt",
            Rule::PreemptDelay => "preempt-delay",
            Rule::ClaimsAsMasterOnly => "claims-as-master-only",
            Rule::OnlyHavips => "only-havips",
            Rule::BindingIsMasters => "binding-is-masters",
            Rule::ClientsReachMaster => "clients-reach-master",
            Rule::HealAgrees => "heal-agrees",
            Rule::LeaseRunsOut => "lease-runs-out",
            Rule::EveryTransitionHasACause => "every-transition-has-a-cause",
            Rule::Converges => "converges",
            Rule::OutageLimit => "outage-limit",
            Rule::HasAddressAsMaster => "has-address-as-master",
            Rule::SaysGoodbye => "says-goodbye",
            Rule::AdvertisesInTime => "advertises-in-time",
            Rule::AdvertisesAsMasterOnly => "advertises-as-master-only",
            Rule::NoLateSpeech => "no-late-speech",
            Rule::GivesWayToBetterOnly => "gives-way-to-better-only",
            Rule::GroupAgrees => "group-agrees",
        }
    }

    /// What it says.
    pub const fn sentence(self) -> &'static str {
        match self {
            Rule::OneMasterASide => {
                "A master that has received and not refused the advertisement of a better one (by priority, then by \
                 address) is no longer master 50 ms later: machines that hear each other have one master."
            }
            Rule::HoldsAsMasterOnly => {
                "A machine whose agent runs and is not master has no virtual address for longer than a second, unless \
                 somebody added it by hand."
            }
            Rule::SilenceMakesMaster => {
                "A backup that has received no advertisement for its master down interval becomes master."
            }
            Rule::NoEarlyTakeover => {
                "A backup does not become master within the master down interval of the last advertisement it has to \
                 obey, unless that master said goodbye, or anybody did when this machine had just stood still."
            }
            Rule::Nopreempt => {
                "With nopreempt, a backup becomes master after silence or a goodbye only, whatever the priority of the \
                 master it hears."
            }
            Rule::PreemptDelay => {
                "A backup takes the address from a lower priority that it hears no sooner than preempt_delay after it \
                 heard it first."
            }
            Rule::ClaimsAsMasterOnly => {
                "A machine announces a virtual address while its agent is master, and for at most 200 ms after that."
            }
            Rule::OnlyHavips => "The cloud believes no claim for an address that is no HAVIP.",
            Rule::BindingIsMasters => {
                "While one machine alone is master, the cloud hears it and its path to the cloud is undisturbed, the \
                 HAVIP is bound to it within the claim bound: garp_master_delay or garp_master_refresh, where claims are verified 10.5 s, and then 2 s and \
                 the time the cloud takes. An agent that verifies claims need not, when another that it did not hear was \
                 master too and is gone without a word: it cannot know, and takes back what is taken ever more seldom."
            }
            Rule::ClientsReachMaster => {
                "While one machine alone is master and nothing disturbs its path to a client, that client's probes \
                 reach it within the claim bound."
            }
            Rule::HealAgrees => {
                "When one of two masters has given way to the other, the HAVIP is bound to the other, and every client's \
                 probes reach it, within the claim bound; within 1 s, where nothing was in the way and the other was told by a goodbye."
            }
            Rule::LeaseRunsOut => {
                "A machine whose agent was killed and not started again has lost the virtual addresses when the lease \
                 is over, in whole seconds: 2 s, three advertisement intervals, and 10 s for an agent that has heard no \
                 broadcast; and 1.1 s later at most, since a kernel looks once a second."
            }
            Rule::EveryTransitionHasACause => "Every change of state names its cause.",
            Rule::Converges => {
                "When everything has been well for the liveness phase, each virtual router has exactly one master."
            }
            Rule::OutageLimit => "No client is without its address for longer than the plan's limit.",
            Rule::HasAddressAsMaster => {
                "A machine whose agent runs and is master has every virtual address within a second: of becoming master, \
                 or of somebody's deleting one by hand."
            }
            Rule::SaysGoodbye => {
                "A master that is told to stop, and that a live peer hears, sends an advertisement of priority 0 before \
                 it is gone."
            }
            Rule::AdvertisesInTime => {
                "A master that has a live peer, with nothing in the way, advertises once an advertisement interval, at \
                 most 2 % and 100 ms later."
            }
            Rule::AdvertisesAsMasterOnly => {
                "A machine sends advertisements while its agent is master, and for at most 4 s after that: its kernel may \
                 have been asking where the peer is."
            }
            Rule::NoLateSpeech => {
                "A master whose agent stood still for longer than its master down interval steps down before it \
                 advertises (agents that promise it: late-wake-steps-down)."
            }
            Rule::GivesWayToBetterOnly => {
                "A master gives way to an advertisement only if one of a better master has come since it is master, and \
                 was none that must be refused: malformed, or without the password."
            }
            Rule::GroupAgrees => {
                "Members of a sync group on one machine are in one state, but for a second after a change."
            }
        }
    }

    /// The rule of a name.
    pub fn of(name: &str) -> Option<Rule> {
        RULES.into_iter().find(|rule| rule.name() == name)
    }
}
