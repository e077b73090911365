//! `auth_hmac` (keepalived 2.4): keys, and how strict to be. No key is ever part of a message.

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::model::{Hmac, HmacKey, HmacMode};
use super::parser::Node;
use super::values::{Set, integer};
use super::{Sources, Span, numbers, paths};
use crate::files::Files;
use crate::time::Duration;

/// The `auth_hmac` block.
#[derive(Debug)]
pub(super) struct HmacDraft {
    pub(super) line: Span,
    keys: Vec<(u8, HmacKey)>,
    active: Option<Set<u8>>,
    window: Option<Duration>,
    mode: HmacMode,
    mode_line: Option<Span>,
    by_time: bool,
}

/// Where keys of their own file are looked up.
#[derive(Clone, Copy)]
pub(super) struct Vault<'a> {
    pub(super) files: &'a Files,
    pub(super) sources: &'a Sources,
}

/// How many bytes a key has.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 32..=64;

/// Reads the block.
pub(super) fn read(node: &Node, vault: Vault<'_>, out: &mut Diagnoses) -> HmacDraft {
    let mut draft = HmacDraft {
        line: node.span(),
        keys: Vec::new(),
        active: None,
        window: None,
        mode: HmacMode::Enforce,
        mode_line: None,
        by_time: true,
    };
    for line in &node.children {
        let Some(word) = line.value() else { continue };
        match line.name() {
            "key" => draft.key(line, vault, out),
            "active_key" => {
                let read = integer(line, 1, 255, "ignored", out).ok();
                draft.active = read.and_then(|n| u8::try_from(n).ok()).and_then(|n| Set::new(n, line));
            }
            "time_window" => {
                let read = integer(line, 1, 300, "ignored: the default is used", out).ok();
                draft.window = read.map(Duration::from_secs).or(draft.window);
            }
            "anti_replay" => match word.text.as_str() {
                "time" => draft.by_time = true,
                "monotonic" => draft.by_time = false,
                other => unknown(other, word.span, "`time` and `monotonic` are", out),
            },
            "mode" => {
                draft.mode_line = Some(line.span());
                match word.text.as_str() {
                    "enforce" => draft.mode = HmacMode::Enforce,
                    "permissive" => draft.mode = HmacMode::Permissive,
                    "receive-only" => draft.mode = HmacMode::ReceiveOnly,
                    other => unknown(other, word.span, "`enforce`, `permissive` and `receive-only` are", out),
                }
            }
            _ => {}
        }
    }
    draft
}

fn unknown(word: &str, span: Span, known: &str, out: &mut Diagnoses) {
    let message = format!("{} is not known here: {known}", quote(word));
    out.push(Diagnosis::error("bad-word", span, message).label("ignored").by_keepalived());
}

impl HmacDraft {
    /// `key 1 hex:00...`
    fn key(&mut self, line: &Node, vault: Vault<'_>, out: &mut Diagnoses) {
        let number = line.value().and_then(|w| numbers::integer(&w.text, 1, 255).ok());
        let Some(id) = number.and_then(|n| u8::try_from(n).ok()) else {
            let message = "a key goes by a number, 1..255";
            out.push(
                Diagnosis::error("bad-number", line.words[0].span, message).label("left out").by_keepalived(),
            );
            return;
        };
        let wrong = |message: &str| {
            let said = format!("key {id}: {message}");
            Diagnosis::error("bad-key", line.words[0].span, said).label("left out")
        };
        let Some(value) = line.words.get(2) else {
            out.push(wrong("there is nothing behind its number").by_keepalived());
            return;
        };
        let bytes = match value.text.strip_prefix("file:") {
            Some(path) => {
                let from = vault.sources.get(value.span).map_or("", |s| s.path.as_str());
                match vault.files.texts.get(&paths::resolve(from, path)) {
                    Some(text) => bytes_of(text.trim_end_matches(['\n', '\r'])),
                    None => {
                        let message = format!("there is no file {}, or it cannot be read", quote(path));
                        let help = "a path is from the directory of the file that it stands in";
                        out.push(wrong(&message).help(help).by_keepalived());
                        return;
                    }
                }
            }
            None => bytes_of(&value.text),
        };
        let Some(bytes) = bytes else {
            out.push(wrong("`hex:` takes two digits a byte").by_keepalived());
            return;
        };
        if !KEY_BYTES.contains(&bytes.len()) {
            let message = format!("it has {} bytes: 32 to 64 are wanted", bytes.len());
            out.push(wrong(&message).help("`openssl rand -hex 32` makes one").by_keepalived());
            return;
        }
        self.keys.retain(|(other, _)| *other != id);
        self.keys.push((id, HmacKey(bytes)));
    }

    /// What is in force; nothing where no key can sign.
    pub(super) fn complete(
        self,
        who: &str,
        advert_interval: Duration,
        strict: Option<Span>,
        out: &mut Diagnoses,
    ) -> Option<Hmac> {
        let off = |span, message: &str| {
            let help = "it runs without authentication: whoever has a key takes no advertisement of it";
            let said = format!("{who}: {message}");
            Diagnosis::error("no-hmac", span, said).help(help).by_keepalived()
        };
        let Some(active) = self.active else {
            out.push(off(self.line, "there is no `active_key`"));
            return None;
        };
        if !self.keys.iter().any(|(id, _)| *id == active.value) {
            out.push(off(active.line, &format!("there is no key {} to sign with", active.value)));
            return None;
        }
        let mut mode = self.mode;
        if let (Some(strict), Some(line), true) = (strict, self.mode_line, mode != HmacMode::Enforce) {
            mode = HmacMode::Enforce;
            let message = format!("{who}: strict mode takes advertisements with a right trailer only");
            let diagnosis = Diagnosis::warning("strict-hmac", line, message).label("`enforce` is used");
            out.push(diagnosis.related(strict, "strict").by_keepalived());
        }
        let default = (advert_interval * 3).max(Duration::from_secs(5));
        let window = self.window.unwrap_or(default);
        Some(Hmac { keys: self.keys, active: active.value, window, mode, by_time: self.by_time })
    }
}

/// The bytes a text means; `None` where `hex:` is followed by something else.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let Some(digits) = text.strip_prefix("hex:") else {
        return Some(text.strip_prefix("ascii:").unwrap_or(text).as_bytes().to_vec());
    };
    if digits.len() % 2 != 0 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok()).collect()
}
