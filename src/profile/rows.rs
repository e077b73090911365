//! The table of differences: what each one does, why, where it was seen, and the scenario that shows both ways.

use super::{Row, Switch};

/// Every switch, in the order of their declaration.
pub const ROWS: &[Row] = &[
    Row {
        switch: Switch::BraceIsAWord,
        name: "brace-is-a-word",
        what: "a brace is one only between blanks",
        why: "`unicast_peer{` is an unknown keyword and its `}` closes the instance: no peers and no addresses, and both machines advertise by multicast",
        case: "1.3.5 with the vendor's configuration, its first blank mended; so up to 1.4.1, by the source",
        issues: "791, 245",
        scenario: "keepalived-1-3-brace-is-a-word.scn",
    },
    Row {
        switch: Switch::StartsMaster,
        name: "starts-master",
        what: "`state MASTER` sends its first advertisement at once, whoever is master",
        why: "a machine that comes back takes the address before it has heard anybody",
        case: "1.3.5: an advertisement after about 1.03 s, the address after 2.05 s; 2.2.7 waits 3.61 s (c08)",
        issues: "115, 1290",
        scenario: "keepalived-1-3-starts-master.scn",
    },
    Row {
        switch: Switch::ClaimsOneIntervalLate,
        name: "claims-one-interval-late",
        what: "a new master adds and announces its addresses one advertisement interval after its first advertisement",
        why: "every takeover takes an interval longer than the timers say",
        case: "1.3.5: a crash to the first gratuitous ARP takes 4.26 s, a goodbye 1.62 s; 2.2.7 3.11 s and 0.61 s",
        issues: "none reported",
        scenario: "keepalived-1-3-claims-one-interval-late.scn",
    },
    Row {
        switch: Switch::AnswersLowerAtOnce,
        name: "answers-lower-at-once",
        what: "a backup answers a lower-priority advertisement with its own, and is master",
        why: "a preemption takes about two intervals, not a whole master down interval",
        case: "1.x, by the source; 2.2.7 discards it and waits (c05: 3.61 s)",
        issues: "none reported",
        scenario: "keepalived-1-3-answers-lower-at-once.scn",
    },
    Row {
        switch: Switch::KeepsNopreempt,
        name: "keeps-nopreempt",
        what: "`nopreempt` stays in force beside `state MASTER`, and clears `preempt_delay`",
        why: "people wrote both on 1.x, where the pair worked after the first election; since 2.0 the address is taken back",
        case: "1.3.5 with the vendor's configuration; 2.2.7 clears both (c08, probe state_master_nopreempt)",
        issues: "115, 1290, 1515, 2684",
        scenario: "keepalived-1-3-keeps-nopreempt.scn",
    },
    Row {
        switch: Switch::RefusedFeedsBackup,
        name: "refused-feeds-backup",
        what: "a refused advertisement re-arms a backup's master down timer",
        why: "whoever sends wrong advertisements keeps a backup from taking over for ever",
        case: "1.3.5, by the source; a backup of 2.2.7 is not disturbed (c21)",
        issues: "none reported",
        scenario: "keepalived-1-3-refused-feeds-backup.scn",
    },
    Row {
        switch: Switch::ReclaimsAfterSplit,
        name: "reclaims-after-split",
        what: "when a split heals, the loser says goodbye, the winner announces the addresses again, and backups take no goodbye for their master's but its own",
        why: "the loser may step down before the winner hears it: nobody announces, and clients stay with the loser",
        case: "c23: clients are without the address for 38 to 47 s, in a subnet for ever; more than one heal in three (c04c, c20)",
        issues: "20, 160, 166, 277",
        scenario: "keepalived-166-no-claim-after-heal.scn",
    },
    Row {
        switch: Switch::RefusedFeedsNobody,
        name: "refused-feeds-nobody",
        what: "a refused advertisement leaves a master's own timer alone",
        why: "a stranger's wrong advertisements silence a master, and a backup takes over",
        case: "c21: refused advertisements every 0.6 s kept a master silent for 6.4 s; d17, d04h",
        issues: "none reported",
        scenario: "refused-adverts-silence-a-master.scn",
    },
    Row {
        switch: Switch::LateWakeStepsDown,
        name: "late-wake-steps-down",
        what: "a master whose process stood still for a master down interval is backup before it speaks",
        why: "another machine is master by then: it would be announced against",
        case: "d12: after 10 s of standing still, 7 to 8 advertisements and 35 to 40 gratuitous ARPs within 1.5 ms",
        issues: "2066, 2238, 1955, 2469, 220",
        scenario: "freeze-and-thaw.scn",
    },
    Row {
        switch: Switch::DemotesAtOnce,
        name: "demotes-at-once",
        what: "a lowered priority is announced as a goodbye, and at once as an advertisement, thrice within a skew time: a peer that is above now takes over within its own, any other obeys",
        why: "the peer waits out its old timer otherwise: the check that failed costs seconds more than a fault",
        case: "c15: 4.77 to 5.14 s with weight -20; c15b: 2.01 to 2.53 s with weight 0",
        issues: "2179, 421, 2546",
        scenario: "check-with-a-weight-moves-the-address.scn",
    },
    Row {
        switch: Switch::ChecksUnicastSource,
        name: "checks-unicast-source",
        what: "advertisements are taken from listed peers only, without `check_unicast_src`",
        why: "one packet of a stranger with a high priority takes the address from everybody",
        case: "d17c: one advertisement from .8 and nobody is master until a timer runs out",
        issues: "none reported",
        scenario: "forged-adverts-are-believed.scn",
    },
    Row {
        switch: Switch::NoMulticastFallback,
        name: "no-multicast-fallback",
        what: "a unicast instance without peers is in FAULT, without `unicast_fault_no_peer`",
        why: "a cloud's network carries no multicast: every machine becomes master",
        case: "probe unicast_src_no_peers: 2.2.7 advertises by multicast, with a warning",
        issues: "97, 2370, 2649, 2387",
        scenario: "peer-missing-in-a-list.scn",
    },
    Row {
        switch: Switch::ClaimsBothWays,
        name: "claims-both-ways",
        what: "addresses are announced by ARP request and reply in turn, one every 20 ms from an interface, each once before any again",
        why: "switches and clouds learn from one form or the other, and drop what comes too fast",
        case: "keepalived sends requests only, 100 within 3 ms (d21c); send_arp and kube-vip send both forms",
        issues: "14, 277",
        scenario: "burst-of-claims-is-lost.scn",
    },
    Row {
        switch: Switch::VerifiesClaims,
        name: "verifies-claims",
        what: "a master asks who has its address, and announces it again until the answer is its own; on a lan, until nobody else answers; ever more seldom where nobody has ever answered",
        why: "announcements are lost and refused without a word: the address moved and nobody knows",
        case: "cloud-deaf-to-claims; after kill -9 both machines answer (c02, 5 of 5 runs)",
        issues: "2459, 893, 950, 2135",
        scenario: "cloud-deaf-to-claims.scn",
    },
    Row {
        switch: Switch::LeasesAddresses,
        name: "leases-addresses",
        what: "addresses are on the interface for a lease of 2 s and three intervals, which each advertisement renews; for 10 s more, until a cloud's binding has followed, unless a broadcast or multicast is heard or three questions in a row find no answer",
        why: "a process that is killed leaves its addresses behind, and the kernel answers for them",
        case: "c02: after kill -9 the address stays and answers ARP until the next start",
        issues: "2361, 2403; kube-keepalived-vip 65",
        scenario: "kill-9-on-a-lan.scn",
    },
    Row {
        switch: Switch::DefendsAddresses,
        name: "defends-addresses",
        what: "another machine's announcement of an address held here is noticed and answered (RFC 5227)",
        why: "an address added by hand elsewhere is ignored for ever, and both machines answer for it",
        case: "d05b: no reaction to an address added on the backup, and both answer ARP",
        issues: "534, 890; resource-agents PR 913",
        scenario: "forged-arp-to-everybody-on-a-lan.scn",
    },
    Row {
        switch: Switch::EitherChecksum,
        name: "either-checksum",
        what: "VRRPv3's checksum over IPv4 is right with the pseudo-header and without",
        why: "RFC 9568 leaves it out, keepalived and FRR put it in: each refuses the other's advertisements",
        case: "packets of keepalived and FRR have it, RFC 9568 and other routers do not",
        issues: "642, 2324; FRR 14024; netlab 1823",
        scenario: "checksum-without-pseudo-header.scn",
    },
    Row {
        switch: Switch::ObeysOtherAddresses,
        name: "obeys-other-addresses",
        what: "a master with other addresses, if it names any, is obeyed all the same, and reported",
        why: "while the lists differ, as they do while they are being changed, both machines are master",
        case: "d04c, d04d: a second master 3.65 s after the reload; keepalived obeys since 2.3.3",
        issues: "none reported",
        scenario: "reload-one-side-with-a-vip-added.scn",
    },
    Row {
        switch: Switch::ForgetsPastMastership,
        name: "forgets-past-mastership",
        what: "the second burst of announcements is off once the machine is no master",
        why: "it is sent in the next mastership otherwise, at a moment nothing explains",
        case: "d05d: bursts of earlier elections still come",
        issues: "none reported",
        scenario: "address-deleted-by-hand-three-times.scn",
    },
    Row {
        switch: Switch::OneGoodbye,
        name: "one-goodbye",
        what: "a fault sends one advertisement of priority 0, and none into a dead link; a master whose link is back before anybody can have missed it waits a skew time",
        why: "what is sent into a dead link waits in the kernel, and is believed once the link is back",
        case: "c15b, d14b: two within 0.14 ms; after a flap of 0.5 s they cost 1.8 s and two takeovers (d11), instead of 1.2 s and none",
        issues: "none reported",
        scenario: "short-flap-ghost-goodbye.scn",
    },
    Row {
        switch: Switch::StartupDelayOnce,
        name: "startup-delay-once",
        what: "`vrrp_startup_delay` is waited for once",
        why: "each advertisement heard meanwhile adds the rest of the delay to the timer: no master for 16.7 s after one died",
        case: "d07: with a master about, 9.7 to 11.7 s instead of 6.6; mended in 2.2.8",
        issues: "2087, 1457",
        scenario: "startup-delay-beside-a-dying-master.scn",
    },
    Row {
        switch: Switch::RanksOwners,
        name: "ranks-owners",
        what: "of two masters of priority 255 the one with the higher address stays master",
        why: "a copy of the owner's file takes the address from the machine that serves, and that one is no owner any more; where two advertisements cross, nobody has it for a master down interval",
        case: "2.2.7, by the source: whoever hears the other's 255 drops to 254 until its next reload; 2.3.3 bears two such advertisements",
        issues: "none reported",
        scenario: "two-owners-of-one-address.scn",
    },
    Row {
        switch: Switch::LinkLocalFirst,
        name: "link-local-first",
        what: "an advertisement names its link-local IPv6 addresses first, in whatever order the file has them",
        why: "the first one is the virtual router's own by RFC 9568 (5.2.9, 6.1): what hosts would have as their router",
        case: "d01: keepalived sends the file's order and logs `the first IPv6 VIP address should be link local`",
        issues: "none reported",
        scenario: "link-local-address-listed-last.scn",
    },
];

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;

    #[test]
    fn every_switch_has_one_row_and_every_row_says_everything() {
        for (i, row) in ROWS.iter().enumerate() {
            assert_eq!(row.switch as usize, i, "{row:?} is out of order");
            let texts = [row.name, row.what, row.why, row.case, row.issues, row.scenario];
            assert!(texts.iter().all(|t| !t.is_empty()), "{row:?}");
        }
        assert_eq!(ROWS.len(), Switch::LinkLocalFirst as usize + 1, "the last switch has the last row");
    }

    #[test]
    fn every_switch_is_in_a_profile_and_in_none_as_measured() {
        for row in ROWS {
            let having = Profile::ALL.iter().filter(|p| p.has(row.switch)).count();
            assert!(having > 0 && !Profile::KEEPALIVED.has(row.switch), "{}", row.name);
        }
    }

    #[test]
    fn names_and_scenarios_are_kebab_case_and_no_two_are_the_same() {
        let mut all: Vec<&str> = ROWS.iter().flat_map(|r| [r.name, r.scenario]).collect();
        for text in &all {
            let stem = text.strip_suffix(".scn").unwrap_or(text);
            assert!(
                stem.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{text}"
            );
        }
        all.sort_unstable();
        assert!(all.windows(2).all(|w| w[0] != w[1]));
    }
}
