//! The model's stories.

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use super::*;
use crate::cloud::{Refusal, Verdict};

const HERE: &str = "ap-guangzhou";

fn at(s: u64) -> Time {
    Time::from_nanos(1_700_000_000_000_000_000) + Duration::from_secs(s)
}

/// A VPC with a subnet 10.0.0.0/24 and two machines at .2 and .3.
struct Lab {
    model: Model,
    vpc: String,
    subnet: String,
    enis: [String; 2],
    cvms: [String; 2],
}

impl Lab {
    fn new() -> Lab {
        let mut model = Model::new(7);
        let vpc = model
            .create_vpc(
                at(0),
                HERE,
                CreateVpc { name: "v".into(), cidr: "10.0.0.0/16".into(), ..Default::default() },
            )
            .unwrap();
        let subnet = CreateSubnet {
            vpc: vpc.clone(),
            name: "s".into(),
            zone: "ap-guangzhou-3".into(),
            cidr: "10.0.0.0/24".into(),
            tags: vec![],
        };
        let subnet = model.create_subnet(at(0), HERE, subnet).unwrap();
        let mut machine = |name: &str| {
            let eni = CreateEni {
                vpc: vpc.clone(),
                subnet: subnet.clone(),
                name: "eth0".into(),
                ..Default::default()
            };
            model.create_cvm(at(0), HERE, name, eni, None).unwrap()
        };
        let (a, b) = (machine("a"), machine("b"));
        Lab { model, vpc, subnet, enis: [a.1, b.1], cvms: [a.0, b.0] }
    }
    fn ask(&self, vip: Option<&str>) -> CreateHavip {
        CreateHavip {
            vpc: self.vpc.clone(),
            name: "h".into(),
            subnet: Some(self.subnet.clone()),
            vip: vip.map(Into::into),
            ..Default::default()
        }
    }
    fn havip(&mut self, vip: Option<&str>) -> Result<String, Code> {
        let ask = self.ask(vip);
        self.model.create_havip(at(1), HERE, ask).map_err(|refused| refused.code)
    }
    fn claim(&mut self, t: u64, eni: usize, address: &str) -> Verdict {
        let eni = self.enis[eni].clone();
        let outcome =
            self.model.claim(at(t), HERE, &eni, address.parse().unwrap(), None, Duration::ZERO).unwrap();
        outcome.verdict
    }
    fn here(&self) -> &Region {
        self.model.region(HERE)
    }
}

/// A model that is made of its stored rows again is the same.
fn assert_stored(model: &Model) {
    let rows = model.rows();
    let texts = rows.iter().map(|c| (c.row.0, &*c.row.1, &*c.row.2, c.text.as_deref().unwrap()));
    let again = Model::load(0, texts).unwrap();
    assert_eq!(again.rows(), rows);
}

#[test]
fn of_10_0_0_0_24_the_addresses_2_to_254_can_be_had_and_the_lowest_free_is_given() {
    let mut lab = Lab::new();
    let first = lab.havip(None).unwrap();
    assert_eq!(
        lab.here().havips().get(&first).unwrap().vip.to_string(),
        "10.0.0.4",
        ".2 and .3 are machines'"
    );
    for (vip, code) in [
        ("10.0.0.0", Code::RESERVED),
        ("10.0.0.1", Code::RESERVED),
        ("10.0.0.255", Code::RESERVED),
        ("10.0.1.5", Code::RANGE),
        ("10.0.0.2", Code::IN_USE),
        ("10.0.0.4", Code::IN_USE),
        ("10.0.0", Code::MALFORMED),
        ("10.0.0.05", Code::MALFORMED),
    ] {
        assert_eq!(lab.havip(Some(vip)), Err(code), "{vip}");
    }
    let last = lab.havip(Some("10.0.0.254")).unwrap();
    assert_ne!(first, last);
    let five = lab.havip(None).unwrap();
    lab.model.delete_havip(at(2), HERE, &first, "r").unwrap();
    let again = lab.havip(None).unwrap();
    let vip = |id: &str| lab.here().havips().get(id).unwrap().vip.to_string();
    assert_eq!((vip(&five), vip(&again)), ("10.0.0.5".into(), "10.0.0.4".into()));
    assert_stored(&lab.model);
}

#[test]
fn a_quota_and_a_full_subnet_are_told_apart() {
    let mut lab = Lab::new();
    for _ in 0..10 {
        lab.havip(None).unwrap();
    }
    assert_eq!(lab.havip(None), Err(Code::LIMIT));
    let mut limits = *lab.model.limits();
    limits.havips = 1000;
    lab.model.set_limits(limits);
    for _ in 0..253 - 2 - 10 {
        lab.havip(None).unwrap();
    }
    let subnet = lab.here().subnets().get(&lab.subnet).unwrap();
    assert_eq!((subnet.usable(), lab.here().free(subnet)), (253, 0));
    assert_eq!(lab.havip(None), Err(Code::INSUFFICIENT));
}

#[test]
fn the_machine_that_announces_holds_it_and_the_move_is_remembered() {
    let mut lab = Lab::new();
    let id = lab.havip(Some("10.0.0.10")).unwrap();
    assert_eq!(lab.here().havips().get(&id).unwrap().flushed, None);
    assert_eq!(lab.claim(5, 0, "10.0.0.10"), Verdict::Believed);
    assert_eq!(lab.claim(6, 0, "10.0.0.10"), Verdict::Already);
    assert_eq!(lab.claim(7, 1, "10.0.0.10"), Verdict::Believed);
    assert_eq!(lab.claim(8, 1, "10.0.0.3"), Verdict::OwnAddress);
    assert_eq!(lab.claim(8, 1, "10.0.0.99"), Verdict::Refused(Refusal::NotHavip));
    let havip = lab.here().havips().get(&id).unwrap();
    assert_eq!((havip.eni.as_ref(), havip.flushed), (Some(&lab.enis[1]), Some(at(7))));
    assert_eq!(lab.here().server_of(havip), Some(&*lab.cvms[1]));
    let owners: Vec<_> = havip.timeline.iter().map(|one| (one.at, one.to.as_ref().unwrap())).collect();
    assert_eq!(owners, [(at(5), &lab.enis[0]), (at(7), &lab.enis[1])]);
    assert_eq!(lab.here().refused().count(), 1);
    assert_stored(&lab.model);
}

#[test]
fn a_drift_range_refuses_who_is_not_in_it() {
    let mut lab = Lab::new();
    let member = |id: &String, member| Association { instance: id.clone(), member };
    let range = vec![member(&lab.cvms[0], Member::Cvm)];
    let ask = CreateHavip { check_associate: true, range, ..lab.ask(Some("10.0.0.10")) };
    let id = lab.model.create_havip(at(1), HERE, ask).unwrap();
    assert_eq!(lab.claim(2, 1, "10.0.0.10"), Verdict::Refused(Refusal::OutsideRange));
    assert_eq!(lab.claim(3, 0, "10.0.0.10"), Verdict::Believed);
    let add = |lab: &mut Lab, instance: &str, kind| {
        let one = (id.clone(), Association { instance: instance.into(), member: kind });
        lab.model.extend_range(at(4), HERE, &[one]).map_err(|refused| refused.code)
    };
    let (cvm, eni) = (lab.cvms[0].clone(), lab.enis[1].clone());
    assert_eq!(add(&mut lab, &cvm, Member::Cvm), Err(Code::DUPLICATED_ASSOCIATIONS));
    assert_eq!(add(&mut lab, &eni, Member::Cvm), Err(Code::MISMATCH));
    assert_eq!(add(&mut lab, "eni-00000000", Member::Eni), Err(Code::NOT_FOUND));
    assert_eq!(add(&mut lab, &eni, Member::Eni), Ok(()));
    assert_eq!(lab.claim(5, 1, "10.0.0.10"), Verdict::Believed);
    let gone = [(id.clone(), eni.clone(), None)];
    lab.model.shrink_range(at(6), HERE, &gone).unwrap();
    let bound = lab.here().havips().get(&id).unwrap().eni.clone();
    assert_eq!(bound, Some(eni), "the range moves nothing");
}

#[test]
fn an_elastic_ip_is_bound_once_and_keeps_its_havip_from_being_released() {
    let mut lab = Lab::new();
    let id = lab.havip(None).unwrap();
    let (ids, _) =
        lab.model.allocate(at(1), HERE, Allocate { count: 2, ..Default::default() }, "r1").unwrap();
    let address = |lab: &Lab, i: usize| lab.here().eips().get(&ids[i]).unwrap().address.to_string();
    let (one, two) = (address(&lab, 0), address(&lab, 1));
    let code = |r: Result<u64, Refused>| r.map(|_| ()).map_err(|refused| refused.code);
    assert_eq!(code(lab.model.unbind_eip(at(2), HERE, &id, "r2")), Err(Code::UNBIND_EIP));
    assert_eq!(code(lab.model.bind_eip(at(2), HERE, &id, &one, "r3")), Ok(()));
    assert_eq!(code(lab.model.bind_eip(at(2), HERE, &id, &two, "r4")), Err(Code::BIND_EIP));
    assert_eq!(code(lab.model.bind_eip(at(2), HERE, &id, "1.2.3.4", "r5")), Err(Code::NOT_FOUND));
    assert_eq!(code(lab.model.delete_havip(at(2), HERE, &id, "r6")), Err(Code::UNSUPPORTED));
    assert_eq!(code(lab.model.release(at(2), HERE, &ids[..1], "r7")), Err(Code::ADDRESS_STATUS));
    assert_eq!(code(lab.model.unbind_eip(at(3), HERE, &id, "r8")), Ok(()));
    assert_eq!(code(lab.model.delete_havip(at(3), HERE, &id, "r9")), Ok(()));
    assert_eq!(code(lab.model.release(at(3), HERE, &ids, "r10")), Ok(()));
    assert!(lab.here().havips().is_empty() && lab.here().eips().is_empty());
    assert_stored(&lab.model);
}

#[test]
fn while_a_task_runs_its_objects_can_not_be_worked_on() {
    let mut lab = Lab::new();
    let id = lab.havip(None).unwrap();
    lab.model.set_task_delay(Duration::from_secs(2));
    let task = lab.model.delete_havip(at(10), HERE, &id, "r1").unwrap();
    let again = lab.model.delete_havip(at(11), HERE, &id, "r2").map_err(|refused| refused.code);
    assert_eq!(again, Err(Code::MUTEX));
    assert_eq!(lab.model.task("r1").unwrap().state, TaskState::Running);
    assert_stored(&lab.model);
    lab.model.settle(at(12));
    assert_eq!(lab.model.task_number(task).unwrap().state, TaskState::Success);
    assert!(lab.here().havips().is_empty());
}

#[test]
fn a_detached_interface_leaves_its_havip_bound_to_nobody() {
    let mut lab = Lab::new();
    let id = lab.havip(Some("10.0.0.10")).unwrap();
    let ask = CreateEni {
        vpc: lab.vpc.clone(),
        subnet: lab.subnet.clone(),
        name: "e".into(),
        ..Default::default()
    };
    let eni = lab.model.create_eni(at(1), HERE, ask).unwrap();
    lab.model.attach(at(2), HERE, &eni, &lab.cvms[0].clone(), "r1").unwrap();
    assert_eq!(lab.here().enis().get(&eni).unwrap().index(), Some(1));
    lab.model.claim(at(3), HERE, &eni, "10.0.0.10".parse().unwrap(), None, Duration::ZERO).unwrap();
    assert_eq!(lab.here().havips().get(&id).unwrap().eni.as_ref(), Some(&eni));
    lab.model.detach(at(4), HERE, &eni, &lab.cvms[0].clone(), "r2").unwrap();
    let havip = lab.here().havips().get(&id).unwrap();
    assert_eq!((&havip.eni, havip.flushed), (&None, Some(at(4))));
    lab.model.delete_eni(at(5), HERE, &eni).unwrap();
    assert_stored(&lab.model);
}

#[test]
fn what_is_due_happens_in_its_time_however_late_somebody_looks() {
    let mut lab = Lab::new();
    let havip = lab.havip(Some("10.0.0.10")).unwrap();
    let claim = |lab: &mut Lab, t, eni: usize, delay| {
        let (eni, vip) = (lab.enis[eni].clone(), "10.0.0.10".parse().unwrap());
        let delay = Duration::from_secs(delay);
        assert_eq!(lab.model.claim(at(t), HERE, &eni, vip, None, delay).unwrap().verdict, Verdict::Believed);
    };
    claim(&mut lab, 10, 0, 5);
    claim(&mut lab, 12, 1, 5);
    lab.model.set_task_delay(Duration::from_secs(10));
    lab.model.delete_havip(at(13), HERE, &havip, "r").unwrap();
    lab.model.take_happenings();
    lab.model.settle(at(1000));
    let told: Vec<_> = lab.model.take_happenings().into_iter().map(|(when, _, what)| (when, what)).collect();
    let moved = |what: &Happening| match what {
        Happening::Moved { moved, .. } => Some((moved.at, moved.to.clone(), moved.cause)),
        _ => None,
    };
    let cause = |eni: usize, heard| Cause::Claim { mac: lab.here().eni(&lab.enis[eni]).unwrap().mac, heard };
    assert_eq!(moved(&told[0].1), Some((at(15), Some(lab.enis[0].clone()), cause(0, at(10)))));
    assert_eq!(moved(&told[1].1), Some((at(17), Some(lab.enis[1].clone()), cause(1, at(12)))));
    let deleted = Happening::Object { kind: "havip", id: havip, what: "deleted" };
    assert_eq!((told.len(), &told[2]), (3, &(at(23), deleted)));
}

#[test]
fn a_claim_does_not_follow_when_its_interface_has_gone_meanwhile() {
    let mut lab = Lab::new();
    let havip = lab.havip(Some("10.0.0.10")).unwrap();
    lab.claim(2, 0, "10.0.0.10");
    let ask = CreateEni {
        vpc: lab.vpc.clone(),
        subnet: lab.subnet.clone(),
        name: "eth1".into(),
        ..CreateEni::default()
    };
    let eth1 = lab.model.create_eni(at(2), HERE, ask).unwrap();
    lab.model.attach(at(2), HERE, &eth1, &lab.cvms[0], "r1").unwrap();
    let vip = "10.0.0.10".parse().unwrap();
    let delay = Duration::from_secs(5);
    lab.model.claim(at(3), HERE, &eth1, vip, None, delay).unwrap();
    lab.model.claim(at(4), HERE, &lab.enis[1], vip, None, delay).unwrap();
    lab.model.detach(at(5), HERE, &eth1, &lab.cvms[0], "r2").unwrap();
    lab.model.settle(at(20));
    let moves = lab.here().havip(&havip).unwrap().timeline.iter().map(|one| one.to.clone());
    let held: Vec<_> = moves.collect();
    assert_eq!(held, [Some(lab.enis[0].clone()), Some(lab.enis[1].clone())], "eth1 never had it");
}

#[test]
fn two_that_take_turns_and_an_owner_that_is_silent_are_told_of() {
    let mut lab = Lab::new();
    let id = lab.havip(Some("10.0.0.10")).unwrap();
    for t in 0..4 {
        lab.claim(10 + t, t as usize % 2, "10.0.0.10");
    }
    let warnings = |lab: &Lab, t| lab.here().warnings(at(t), lab.here().havips().get(&id).unwrap());
    assert!(matches!(&warnings(&lab, 14)[..], [Warning::Turns { moves: 4, .. }]));
    assert_eq!(warnings(&lab, 200), [Warning::Silent { eni: lab.enis[1].clone(), last: at(13) }]);
}

#[test]
fn a_warning_is_told_when_it_comes_and_when_it_goes() {
    let mut lab = Lab::new();
    let id = lab.havip(Some("10.0.0.10")).unwrap();
    lab.claim(10, 0, "10.0.0.10");
    let mut told = Vec::new();
    for t in 10..60 {
        if t == 40 {
            lab.model.heard(at(t), HERE, &lab.enis[0].clone());
        }
        lab.model.settle(at(t));
        told.extend(lab.model.take_happenings().into_iter().filter_map(|(when, _, what)| match what {
            Happening::Warned { havip, warnings } => Some((when, havip, warnings)),
            _ => None,
        }));
    }
    let silent = |last| vec![Warning::Silent { eni: lab.enis[0].clone(), last: at(last) }];
    let expected = [(at(26), silent(10)), (at(40), vec![]), (at(56), silent(40))];
    assert_eq!(told, expected.map(|(when, warnings)| (when, id.clone(), warnings)));
}

#[test]
fn an_owner_that_was_stored_is_silent_when_it_says_nothing_from_then_on() {
    let mut lab = Lab::new();
    let id = lab.havip(Some("10.0.0.10")).unwrap();
    lab.claim(10, 0, "10.0.0.10");
    let rows = lab.model.rows();
    let texts = rows.iter().map(|c| (c.row.0, &*c.row.1, &*c.row.2, c.text.as_deref().unwrap()));
    let mut model = Model::load(0, texts).unwrap();
    model.listen(at(1000));
    let warnings = |t| model.region(HERE).warnings(at(t), model.region(HERE).havip(&id).unwrap());
    assert_eq!(warnings(1015), []);
    assert_eq!(warnings(1016), [Warning::Silent { eni: lab.enis[0].clone(), last: at(1000) }]);
}

#[test]
fn where_a_segment_decides_nobody_else_does() {
    let mut lab = Lab::new();
    let id = lab.havip(Some("10.0.0.10")).unwrap();
    let (vpc, subnet, eni) = (lab.vpc.clone(), lab.subnet.clone(), lab.enis[0].clone());
    lab.model.follow_segment(HERE, &vpc);
    let before = lab.model.rows();
    let claimed = lab.model.claim(at(2), HERE, &eni, "10.0.0.10".parse().unwrap(), None, Duration::ZERO);
    let bound = lab.ask(None);
    let bound = lab.model.create_havip(at(2), HERE, CreateHavip { eni: Some(eni.clone()), ..bound });
    let machine = CreateEni { vpc, subnet, name: "eth0".into(), ..CreateEni::default() };
    let made = lab.model.create_cvm(at(2), HERE, "c", machine, None);
    let gone = lab.model.delete_cvm(at(2), HERE, &lab.cvms[0].clone());
    let refusals = [claimed.map(|_| ()), bound.map(|_| ()), made.map(|_| ()), gone];
    assert!(
        refusals.iter().all(|one| one.as_ref().is_err_and(|why| why.code == Code::UNSUPPORTED)),
        "{refusals:?}"
    );
    assert_eq!(lab.model.rows(), before);
    lab.model.bound(at(3), HERE, &id, Some(&eni), Mac::UNSPECIFIED, at(2));
    assert_eq!(lab.here().havip(&id).unwrap().eni, Some(eni), "the segment does");
}

#[test]
fn a_request_that_was_sent_again_has_a_task_that_ends_with_the_first() {
    let mut lab = Lab::new();
    let havip = lab.havip(None).unwrap();
    lab.model.set_task_delay(Duration::from_secs(10));
    let first = lab.model.delete_havip(at(5), HERE, &havip, "first").unwrap();
    lab.model.repeat_task(at(8), HERE, "second", first);
    let states = |lab: &Lab| ["first", "second"].map(|id| lab.model.task(id).unwrap().state);
    lab.model.settle(at(14));
    assert_eq!(states(&lab), [TaskState::Running; 2]);
    assert_stored(&lab.model);
    lab.model.settle(at(15));
    assert_eq!(states(&lab), [TaskState::Success; 2]);
    lab.model.repeat_task(at(20), HERE, "third", first);
    assert_eq!(lab.model.task("third").unwrap().state, TaskState::Success);
}

#[test]
fn a_refused_operation_changes_nothing() {
    let mut lab = Lab::new();
    let id = lab.havip(Some("10.0.0.10")).unwrap();
    lab.model.take_changes();
    let before = lab.model.rows();
    assert!(lab.havip(Some("10.0.0.10")).is_err());
    let ask = |subnet: &str| CreateSubnet {
        vpc: lab.vpc.clone(),
        name: "s".into(),
        zone: "ap-guangzhou-3".into(),
        cidr: subnet.into(),
        tags: vec![],
    };
    let (inside, outside) = (ask("10.0.0.128/25"), ask("10.1.0.0/24"));
    let model = &mut lab.model;
    assert_eq!(model.create_subnet(at(2), HERE, inside).unwrap_err().code, Code::SUBNET_CONFLICT);
    assert_eq!(model.create_subnet(at(2), HERE, outside).unwrap_err().code, Code::SUBNET_RANGE);
    assert_eq!(model.delete_subnet(at(2), HERE, &lab.subnet).unwrap_err().code, Code::IN_USE);
    assert_eq!(model.delete_vpc(at(2), HERE, &lab.vpc).unwrap_err().code, Code::IN_USE);
    let long = "x".repeat(61);
    assert_eq!(model.rename_havip(at(2), HERE, &id, Some(&long)).unwrap_err().code, Code::TOO_LONG);
    assert_eq!(model.rename_havip(at(2), "ap-guangzhou-9", &id, None).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(model.delete_havip(at(2), HERE, "havip-x", "r").unwrap_err().code, Code::MALFORMED);
    assert_eq!((model.take_changes(), model.rows()), (vec![], before));
}

#[test]
fn a_token_makes_nothing_twice() {
    let mut model = Model::new(1);
    model.remember(HERE, "CreateHaVip", "t", "asked", vec!["havip-a".into()], None);
    let made = |asked| {
        model.made_before(HERE, "CreateHaVip", "t", asked).map(|found| found.map(|token| token.made.clone()))
    };
    assert_eq!(made("asked").unwrap(), Some(vec!["havip-a".to_owned()]));
    assert_eq!(made("other").unwrap_err().code, Code::IDEMPOTENT_MISMATCH);
    assert!(model.made_before("ap-tokyo", "CreateHaVip", "t", "other").unwrap().is_none());
}

#[test]
fn rows_that_contradict_each_other_make_no_model() {
    let mut lab = Lab::new();
    lab.havip(None).unwrap();
    let rows = lab.model.rows();
    let load = |rows: &[Change]| {
        let texts = rows.iter().map(|c| (c.row.0, &*c.row.1, &*c.row.2, c.text.as_deref().unwrap()));
        Model::load(0, texts)
    };
    for i in 0..rows.len() - 1 {
        let mut twice = rows.clone();
        twice.push(rows[i].clone());
        assert!(load(&twice).is_err(), "{:?}", rows[i].row);
        let mut broken = rows.clone();
        broken[i].text = Some("{}".into());
        assert!(load(&broken).is_err());
    }
    let without_counter: Vec<Change> = rows.iter().filter(|c| c.row.0 != "counter").cloned().collect();
    let mut again = load(&without_counter).unwrap();
    again.set_limits(*lab.model.limits());
    let made = again.create_havip(at(9), HERE, lab.ask(None)).unwrap();
    assert!(again.region(HERE).havips().get(&made).unwrap().number > 4, "no number is given twice");
}
