//! Another configuration for the same machines: what advice would make of their files.

use havip::config::Span;
use havip::files::Files;

use super::cluster::{Cluster, Machine, understand};

/// What to write instead.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    /// Scalars of every machine's instance.
    pub(super) with: Vec<(&'static str, String)>,
    /// Edits of single files: machine, where, what.
    pub(super) edits: Vec<(usize, Edit)>,
}

/// An edit of a machine's file.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// Other text in place of this.
    Replace(Span, String),
    /// Lines below the line of this.
    Below(Span, String),
}

/// A block of a file: `virtual_ipaddress { ... }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Of its keyword, the first line being 1.
    pub(super) line: usize,
}

/// How many blocks of a keyword a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    None,
    One(Block),
    Several,
}

impl Block {
    /// The block of a keyword that has no blocks within. Lines for other machines (`@b`) count: where they make two of
    /// it, nobody can say which is meant.
    pub(super) fn find(text: &str, keyword: &str) -> Found {
        let mut found = Found::None;
        let mut at = 0;
        for (line, whole) in (1..).zip(text.split_inclusive('\n')) {
            let begin = at;
            at += whole.len();
            let mut rest = whole.trim_start();
            if rest.starts_with('@') {
                rest = rest.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start());
            }
            let is_it = rest.strip_prefix(keyword).is_some_and(|more| {
                more.is_empty() || more.starts_with('{') || more.starts_with(char::is_whitespace)
            });
            if !is_it {
                continue;
            }
            let start = begin + (whole.len() - rest.len());
            let Some(length) = text[start..].find('}') else { continue };
            found = match found {
                Found::None => Found::One(Block { start, end: start + length + 1, line }),
                _ => Found::Several,
            };
        }
        found
    }
    /// Where it is, in a file that includes no other.
    pub(super) fn span(self) -> Span {
        Span { file: 0, start: self.start as u32, end: self.end as u32 }
    }
}

impl Change {
    /// One or more scalars, on every machine.
    pub(super) fn with(pairs: &[(&'static str, &str)]) -> Change {
        let with = pairs.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Change { with, edits: Vec::new() }
    }

    /// The cluster with the change made; `None` where the files do not take it.
    pub(super) fn made(&self, cluster: &Cluster) -> Option<Cluster> {
        let mut changed = cluster.clone();
        for (i, machine) in changed.machines.iter_mut().enumerate() {
            let edits: Vec<&Edit> =
                self.edits.iter().filter(|(n, _)| *n == i).map(|(_, edit)| edit).collect();
            if !edits.is_empty() {
                edit(machine, &edits)?;
            }
            for (key, value) in &self.with {
                machine.with.retain(|(known, _)| known != key);
                machine.with.push(((*key).to_owned(), value.clone()));
            }
            let files = Files::single(machine.file.clone(), machine.text.clone());
            let loaded = understand(&files, machine.name, &machine.with, cluster.profile);
            if loaded.config.instances.len() != 1 || !loaded.unmatched_with.is_empty() {
                return None;
            }
            machine.loaded = loaded;
        }
        Some(changed)
    }
}

/// Edits the text of a machine whose file includes no other: only there do places fit.
fn edit(machine: &mut Machine, edits: &[&Edit]) -> Option<()> {
    let text = machine.text.clone();
    if machine.loaded.sources.files().first()?.text != text {
        return None;
    }
    let mut places: Vec<(usize, usize, &str)> = Vec::new();
    for edit in edits {
        places.push(match edit {
            Edit::Replace(span, with) => (span.start as usize, span.end as usize, with.as_str()),
            Edit::Below(span, lines) => {
                let rest = text.get(span.end as usize..)?;
                let end = span.end as usize + rest.find('\n').map_or(rest.len(), |n| n + 1);
                (end, end, lines.as_str())
            }
        });
    }
    places.sort_by_key(|(start, ..)| std::cmp::Reverse(*start));
    let mut new = text;
    for (start, end, with) in places {
        new.get(start..end)?;
        new.replace_range(start..end, with);
    }
    machine.text = new;
    machine.file = format!("conf/{}-changed.conf", machine.name);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_found_by_its_keyword_at_the_beginning_of_a_line() {
        let text = "# track_script { no }\nvrrp_script chk {\n}\n  track_script {\n    chk\n  }\ntrack_scripts {\n}\n";
        let Found::One(block) = Block::find(text, "track_script") else { panic!("{text}") };
        assert_eq!((&text[block.start..block.end], block.line), ("track_script {\n    chk\n  }", 4));
        assert_eq!(Block::find(text, "track_file"), Found::None);
        assert_eq!(Block::find("track_script", "track_script"), Found::None, "it is not closed");
        let own = "@a track_script { x }\n@b track_script{ y }\n";
        assert_eq!(Block::find(own, "track_script"), Found::Several);
        let Found::One(block) = Block::find(&own[..22], "track_script") else { panic!("{own}") };
        assert_eq!(&own[block.start..block.end], "track_script { x }");
    }
}
