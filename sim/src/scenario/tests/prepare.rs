//! From a script to a setup.

use std::io;

use havip::config::Options;
use havip::files::Files;

use super::super::{Loaded, Script, load_keepalived};
use super::{PAIR, POWER_OFF};
use crate::world::{HavipSetup, ProgramSetup};

const PAIR_CONF: &str = "include common.conf\nvrrp_instance VI_1 {\n}\n";

fn read(path: &str) -> io::Result<String> {
    match path {
        "conf/pair.conf" | "other.conf" => Ok(PAIR_CONF.to_owned()),
        "conf/common.conf" => Ok("! common\n".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
}

/// A loader that knows one keyword.
fn load(files: &Files, options: &Options) -> Loaded {
    let id = options.id.as_deref().unwrap_or_default();
    let unmatched_with =
        options.with.iter().map(|(key, _)| key.clone()).filter(|key| key != "priority").collect();
    Loaded { diagnoses: vec![format!("{id} reads {}", files.main)], unmatched_with, ..Loaded::default() }
}

#[test]
fn the_example_of_the_design_is_ready_to_run() {
    let script = Script::parse("power-off.scn", POWER_OFF).unwrap();
    let scenario = script.prepare(&read, &load).unwrap();
    let setup = &scenario.setup;
    assert_eq!((setup.name.as_str(), setup.seed, setup.nodes()), ("power-off", 7, 3));
    assert_eq!(setup.acts, script.acts);
    assert_eq!(
        setup.havips,
        [HavipSetup { address: "172.16.16.12".parse().unwrap(), subnet: 0, off: false }]
    );
    assert_eq!(setup.cvms[1].eni.address.to_string(), "172.16.16.6/24");
    assert_eq!(setup.clients[0].eni.mac.to_string(), "02:00:ac:10:10:64");
    let ProgramSetup::Agent { file, files, diagnoses, .. } = &setup.cvms[1].program;
    assert_eq!(file, "conf/pair.conf");
    assert_eq!(files.main, "conf/pair.conf");
    assert_eq!(files.texts["conf/common.conf"], "! common\n");
    assert_eq!(diagnoses[0], "b reads conf/pair.conf", "the machine's name is the file's `@` id");
    assert_eq!(scenario.expectations, script.expectations);
    assert_eq!(scenario.phases, None);
}

#[test]
fn every_address_finds_its_own_subnet() {
    let text = PAIR
        .replace("subnet 172.16.16.0/24", "subnet 172.16.32.0/20\nsubnet 172.16.16.0/24")
        .replace("172.16.16.6", "172.16.33.6");
    let setup = Script::parse("t.scn", &text).unwrap().prepare(&read, &load).unwrap().setup;
    assert_eq!((setup.cvms[0].eni.subnet, setup.cvms[1].eni.subnet, setup.havips[0].subnet), (1, 0, 1));
    assert_eq!(setup.cvms[1].eni.address.to_string(), "172.16.33.6/20");
}

#[test]
fn a_file_that_is_not_there_is_named_where_it_is_written() {
    let text = PAIR.replacen("conf/pair.conf", "conf/pear.conf", 1) + "at 3s reload b with gone.conf\n";
    let errors = Script::parse("t.scn", &text).unwrap().prepare(&read, &load).unwrap_err();
    let lines: Vec<_> = errors.iter().map(super::super::ScriptError::one_line).collect();
    assert_eq!(
        lines,
        [
            "t.scn:7:33: cannot read `conf/pear.conf`: entity not found",
            "t.scn:10:21: cannot read `gone.conf`: entity not found",
        ]
    );
}

#[test]
fn an_override_that_matches_nothing_is_refused() {
    let text = PAIR.replacen("conf/pair.conf", "conf/pair.conf with priority=9 with prio=9", 1);
    let errors = Script::parse("t.scn", &text).unwrap().prepare(&read, &load).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].one_line(), "t.scn:7:69: `prio` overrides nothing in `conf/pair.conf`");
}

/// With the real loader: the `@` id, an override, an include, and a word that keepalived does not know.
#[test]
fn each_machine_gets_its_own_reading_of_a_shared_file() {
    let read = |path: &str| match path {
        "conf/pair.conf" => Ok("\
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    @a priority 100
    @b priority 90
    include peers.conf
    colour red
    virtual_ipaddress { 172.16.16.12 }
}
"
        .to_owned()),
        "conf/peers.conf" => Ok("advert_int 2\n".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let text = PAIR.replace("6 keepalived conf/pair.conf", "6 keepalived conf/pair.conf with priority=95");
    let setup = Script::parse("t.scn", &text).unwrap().prepare(&read, &load_keepalived).unwrap().setup;
    let programs: Vec<_> = setup.cvms.iter().map(|cvm| &cvm.program).collect();
    let [ProgramSetup::Agent { config: a, diagnoses, .. }, ProgramSetup::Agent { config: b, .. }] =
        programs[..]
    else {
        panic!("two machines: {programs:?}")
    };
    assert_eq!((a.instances[0].priority, b.instances[0].priority), (100, 95));
    assert_eq!(a.instances[0].advert_interval.as_secs(), 2, "from the included file");
    assert!(diagnoses.iter().any(|line| line.starts_with("conf/pair.conf:7:")), "{diagnoses:?}");

    let text = text.replace("priority=95", "prio=95");
    let errors = Script::parse("t.scn", &text).unwrap().prepare(&read, &load_keepalived).unwrap_err();
    assert_eq!(errors[0].one_line(), "t.scn:8:53: `prio` overrides nothing in `conf/pair.conf`");
}

#[test]
fn reloads_find_their_files_by_number() {
    let text = format!("{PAIR}at 9s reload b with other.conf\nat 3s reload a with conf/pair.conf\n");
    let setup = Script::parse("t.scn", &text).unwrap().prepare(&read, &load).unwrap().setup;
    let names: Vec<_> = setup.files.iter().map(|files| files.main.as_str()).collect();
    assert_eq!(names, ["conf/pair.conf", "other.conf"]);
}

#[test]
fn a_script_that_a_program_made_is_checked_first() {
    let mut script = Script::parse("t.scn", PAIR).unwrap();
    script.source = super::super::Source::default();
    assert!(script.prepare(&read, &load).is_ok());
    script.havips.push("10.0.0.1".parse::<std::net::IpAddr>().unwrap().into());
    let errors = script.prepare(&read, &load).unwrap_err();
    assert!(errors[0].message.contains("outside every subnet"), "{errors:?}");
}
