//! `auth_hmac`: keys, windows, modes; and that no key or password is shown to anybody.

use havip::config::{self, HmacMode, Loaded, Options};
use havip::files::Files;
use havip::time::Duration;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn text(block: &str, lines: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n{lines}\n auth_hmac {{\n{block}\n }}\n virtual_ipaddress {{\n  172.16.16.12\n }}\n}}\n"
    )
}

fn load(block: &str, lines: &str) -> Loaded {
    config::load(&Files::single("conf/x.conf", text(block, lines)), &Options::default())
}

/// What is said, but for the note that 2.2.7 does not know the block.
fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnoses.iter().map(|d| d.code).filter(|c| *c != "newer-keepalived").collect()
}

#[test]
fn keys_are_bytes_in_hexadecimal_or_as_they_stand() {
    let block = format!(
        "key 1 hex:{KEY}\nkey 2 abcdefghijklmnopqrstuvwxyz-123456\nkey 3 ascii:abcdefghijklmnopqrstuvwxyz-123456\nactive_key 2"
    );
    let loaded = load(&block, "");
    assert_eq!(codes(&loaded), [""; 0]);
    assert_eq!(loaded.diagnoses.len(), 1, "one note, that 2.4.0 is the first to know it");
    let h = loaded.config.instances[0].hmac.clone().expect("it signs");
    assert_eq!((h.keys[0].0, &h.keys[0].1.0[..]), (1, &(0..32).collect::<Vec<u8>>()[..]));
    assert_eq!((h.keys[1].1.0.len(), h.keys[1].1.clone()), (33, h.keys[2].1.clone()));
    assert_eq!((h.active, h.mode, h.by_time), (2, HmacMode::Enforce, true));
}

/// "max(3 x advert_int, 5)"
#[test]
fn the_window_is_three_intervals_and_five_seconds_at_least() {
    let window = |block: &str, lines: &str| {
        load(&format!("key 1 hex:{KEY}\nactive_key 1\n{block}"), lines).config.instances[0]
            .hmac
            .as_ref()
            .unwrap()
            .window
    };
    assert_eq!(window("", ""), Duration::from_secs(5));
    assert_eq!(window("", " advert_int 4"), Duration::from_secs(12));
    assert_eq!(window("time_window 300", " advert_int 4"), Duration::from_secs(300));
    assert_eq!(window("time_window 301", ""), Duration::from_secs(5));
}

#[test]
fn modes_and_replay_protection_have_their_words() {
    for (word, mode) in [
        ("enforce", HmacMode::Enforce),
        ("permissive", HmacMode::Permissive),
        ("receive-only", HmacMode::ReceiveOnly),
    ] {
        let loaded = load(&format!("key 1 hex:{KEY}\nactive_key 1\nmode {word}\nanti_replay monotonic"), "");
        let h = loaded.config.instances[0].hmac.as_ref().expect("it signs");
        assert_eq!((h.mode, h.by_time, codes(&loaded).len()), (mode, false, 0));
    }
    assert_eq!(
        codes(&load(&format!("key 1 hex:{KEY}\nactive_key 1\nmode lax\nanti_replay x"), "")),
        ["bad-word"; 2]
    );
}

#[test]
fn what_cannot_sign_is_no_authentication() {
    for (block, said) in [
        (format!("key 1 hex:{KEY}"), vec!["no-hmac"]),
        (format!("key 1 hex:{KEY}\nactive_key 2"), vec!["no-hmac"]),
        ("key 1 hex:0011\nactive_key 1".to_owned(), vec!["bad-key", "no-hmac"]),
        (format!("key 1 hex:{}\nactive_key 1", "00".repeat(65)), vec!["bad-key", "no-hmac"]),
        (format!("key 1 hex:{}\nactive_key 1", KEY.replace('0', "g")), vec!["bad-key", "no-hmac"]),
        (format!("key 0 hex:{KEY}\nactive_key 1"), vec!["bad-number", "no-hmac"]),
        ("key 1\nactive_key 1".to_owned(), vec!["bad-key", "no-hmac"]),
        ("key 1 file:/etc/keys/k\nactive_key 1".to_owned(), vec!["bad-key", "no-hmac"]),
    ] {
        let loaded = load(&block, "");
        assert!(loaded.config.instances[0].hmac.is_none(), "{block}");
        let mut found = codes(&loaded);
        found.sort_unstable();
        assert_eq!(found, said, "{block}");
    }
}

#[test]
fn a_key_file_that_was_read_is_used() {
    for content in [format!("hex:{KEY}\n"), "abcdefghijklmnopqrstuvwxyz-123456\n".to_owned()] {
        let mut files = Files::single("conf/x.conf", text("key 1 file:keys/k\nactive_key 1", ""));
        files.texts.insert("conf/keys/k".to_owned(), content);
        let loaded = config::load(&files, &Options::default());
        assert!(loaded.config.instances[0].hmac.is_some());
    }
}

#[test]
fn it_takes_the_place_of_a_password_and_strict_mode_wants_it_strict() {
    let lines = " authentication {\n auth_type PASS\n auth_pass 1111\n }";
    let loaded = load(&format!("key 1 hex:{KEY}\nactive_key 1"), lines);
    assert_eq!(codes(&loaded), ["hmac-and-password"]);
    let vi = &loaded.config.instances[0];
    assert!(vi.password.is_none() && vi.hmac.is_some());
    let loaded = load(&format!("key 1 hex:{KEY}\nactive_key 1\nmode permissive"), " strict_mode");
    assert_eq!(codes(&loaded), ["strict-drops", "strict-hmac"]);
    assert_eq!(loaded.config.instances[0].hmac.as_ref().unwrap().mode, HmacMode::Enforce);
}

#[test]
fn no_key_and_no_password_is_ever_printed() {
    let secret = "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t";
    let block =
        format!("key 1 {secret}\nkey 2 hex:{secret}\nkey 0 {secret}\nkey 3 {secret} {secret}\nactive_key 1");
    let lines = format!(" authentication {{\n auth_type PASS\n auth_pass {secret} {secret}\n }}");
    let loaded = load(&block, &lines);
    assert!(loaded.diagnoses.len() > 4);
    let shown: String = loaded
        .diagnoses
        .iter()
        .map(|d| d.render(&loaded.sources, false) + &d.one_line(&loaded.sources))
        .collect();
    assert!(!shown.contains("s3cr3t"), "{shown}");
    assert!(!format!("{loaded:?}").contains("s3cr3t"));
    // To keepalived a comment begins in the middle of it.
    let cut = load("key 1 s3cr!s3cr3t-s3cr3t\nkey 2 s3#s3cr3t x\nactive_key 1", "");
    let shown: String = cut.diagnoses.iter().map(|d| d.render(&cut.sources, false)).collect();
    assert!(shown.contains("bad-key") && !shown.contains("s3cr"), "{shown}");
    // A line that is wrong by a letter or a word is no less secret.
    for (block, lines) in [
        ("key s3cr3t", ""),
        ("keyy 3 s3cr3t", ""),
        ("kye s3cr3t", ""),
        ("active_key s3cr3t", ""),
        ("", " authentication {\n auth_type s3cr3t\n auth_passs s3cr3t\n }"),
        ("", " authentication {\n auth_pas s3cr3t\n authpass s3cr3t\n }"),
        ("", " authentication { auth_type PASS auth_pass s3cr3t }"),
        ("", " auth_pass s3cr3t\n auth_hmac s3cr3t {\n }"),
    ] {
        let loaded = load(block, lines);
        let said =
            loaded.diagnoses.iter().map(|d| d.render(&loaded.sources, false) + &d.one_line(&loaded.sources));
        let said: String = said.collect();
        assert!(!said.contains("s3cr3t"), "{block}{lines}: {said}");
        assert!(!loaded.diagnoses.is_empty());
    }
    let good = load("key 1 abcdefghijklmnopqrstuvwxyz-123456\nactive_key 1", "");
    assert!(!format!("{good:?}").contains("abcdef"));
}
