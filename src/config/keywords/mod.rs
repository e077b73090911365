//! Every keyword of `keepalived.conf`, in one table: where it stands, what follows it, what it means.
//!
//! The parser, the diagnoses ("did you mean"), `havipd keywords` and the tests all read this table: a keyword
//! that is not in it is unknown, and a keyword that is in it is never an error for being unsupported.

mod table;

pub use table::TABLE;

/// One keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// As it is written; upper and lower case differ.
    pub name: &'static str,
    /// The blocks it may stand in.
    pub contexts: &'static [Context],
    /// What follows it.
    pub form: Form,
    /// Which values it takes, for people; empty where there is nothing to say.
    pub range: &'static str,
    /// What holds without it, for people; empty where nothing does.
    pub default: &'static str,
    /// How much users need it: 1 must, 2 expected, 3 recognised only.
    pub tier: u8,
    /// What becomes of it here.
    pub effect: Effect,
    /// The first keepalived that knows it, where it is told: `2.2.8`. Empty where it is older than anybody asks.
    pub since: &'static str,
    /// The last keepalived that knows it; empty where every later one does.
    pub until: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
}

/// What becomes of a keyword here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It has its effect.
    Modelled,
    /// Its effect is one that neither another machine nor a client nor a script could tell: the name in a mail, the
    /// label of an address. It is taken, and nothing is to be done about it.
    Unseen,
    /// It is recognised, warned of once and skipped.
    Skipped,
}

/// A kind of block whose lines are keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Outside any block.
    Top,
    /// `global_defs`.
    Global,
    /// `vrrp_instance`.
    Instance,
    /// `authentication`, in an instance.
    Authentication,
    /// `vrrp_sync_group`.
    SyncGroup,
    /// `vrrp_script`.
    Script,
    /// `track_file`, outside any block.
    TrackFile,
    /// `vrrp_track_process`.
    TrackProcess,
    /// `bfd_instance`.
    Bfd,
    /// `garp_group`.
    GarpGroup,
    /// `auth_hmac`, in an instance.
    Hmac,
    /// An entry of `unicast_peer`, behind its address.
    Peer,
    /// An entry of `virtual_ipaddress` or `virtual_ipaddress_excluded`, behind its address.
    Address,
    /// Any line of a file, before words are looked at.
    Line,
}

/// What follows a keyword on its line, or in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing.
    Flag,
    /// A truth word, or nothing for true.
    Switch,
    /// A whole number.
    Integer,
    /// A decimal number of seconds.
    Seconds,
    /// One word.
    Word,
    /// One word or more.
    Words,
    /// Any number of words, or none.
    Any,
    /// A block of entries, one a line.
    Entries,
    /// A block of keywords.
    Block(Context),
    /// A name and a block of keywords.
    Named(Context),
    /// Any words and a block nobody looks into.
    Opaque,
}

impl Form {
    /// Whether the keyword is of no use without a word behind it: keepalived ends (exit 2) where it is missing.
    pub fn needs_word(self) -> bool {
        matches!(self, Form::Integer | Form::Seconds | Form::Word | Form::Words)
    }
    /// Whether a block belongs to the keyword.
    pub fn has_block(self) -> bool {
        matches!(self, Form::Entries | Form::Block(_) | Form::Named(_) | Form::Opaque)
    }
    /// Whether a word may stand behind the keyword, so that the two can be glued by mistake.
    pub fn takes_word(self) -> bool {
        !matches!(self, Form::Flag | Form::Entries | Form::Block(_))
    }
    /// How many words may follow; `None` for any number.
    pub fn words_max(self) -> Option<usize> {
        match self {
            Form::Flag | Form::Entries | Form::Block(_) => Some(0),
            Form::Switch | Form::Integer | Form::Seconds | Form::Word | Form::Named(_) => Some(1),
            Form::Words | Form::Any | Form::Opaque => None,
        }
    }
    /// The form in a few words, for `havipd keywords`.
    pub fn describe(self) -> &'static str {
        match self {
            Form::Flag => "-",
            Form::Switch => "[on|off]",
            Form::Integer => "N",
            Form::Seconds => "SECONDS",
            Form::Word => "WORD",
            Form::Words => "WORD...",
            Form::Any => "[WORD...]",
            Form::Entries => "{ ENTRY... }",
            Form::Block(_) => "{ ... }",
            Form::Named(_) => "NAME { ... }",
            Form::Opaque => "[WORD...] { ... }",
        }
    }
}

impl Context {
    /// Every context, the outermost first.
    pub const ALL: [Context; 14] = [
        Context::Top,
        Context::Global,
        Context::Instance,
        Context::Authentication,
        Context::SyncGroup,
        Context::Script,
        Context::TrackFile,
        Context::TrackProcess,
        Context::Bfd,
        Context::GarpGroup,
        Context::Hmac,
        Context::Peer,
        Context::Address,
        Context::Line,
    ];
    /// The keyword that opens it, or words for what none does.
    pub fn name(self) -> &'static str {
        match self {
            Context::Top => "top level",
            Context::Global => "global_defs",
            Context::Instance => "vrrp_instance",
            Context::Authentication => "authentication",
            Context::SyncGroup => "vrrp_sync_group",
            Context::Script => "vrrp_script",
            Context::TrackFile => "track_file",
            Context::TrackProcess => "vrrp_track_process",
            Context::Bfd => "bfd_instance",
            Context::GarpGroup => "garp_group",
            Context::Hmac => "auth_hmac",
            Context::Peer => "unicast_peer",
            Context::Address => "virtual_ipaddress",
            Context::Line => "any line",
        }
    }
    /// Whether its keywords begin a line of a block, so that the parser looks for them there; the others stand behind an
    /// address, or are read before there are words.
    pub fn begins_lines(self) -> bool {
        !matches!(self, Context::Peer | Context::Address | Context::Line)
    }
}

impl Keyword {
    /// Says from which version on it is known.
    const fn since(self, version: &'static str) -> Keyword {
        Keyword { since: version, ..self }
    }
    /// Whether keepalived 2.2.7 does not know it yet.
    pub fn is_newer_than_measured(&self) -> bool {
        number(self.since) > number(MEASURED)
    }
}

/// The keepalived that everything here is held against.
pub const MEASURED: &str = "2.2.7";

/// A version as numbers, so that it can be compared; none is older than any.
fn number(version: &str) -> Vec<u32> {
    version.split('.').filter_map(|part| part.parse().ok()).collect()
}

/// The keyword of this name in this context.
pub fn lookup(context: Context, name: &str) -> Option<&'static Keyword> {
    TABLE.iter().find(|k| k.name == name && k.contexts.contains(&context))
}

/// The keywords of one context, in the table's order.
pub fn of(context: Context) -> impl Iterator<Item = &'static Keyword> {
    TABLE.iter().filter(move |k| k.contexts.contains(&context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_in_a_context() {
        for context in Context::ALL {
            let mut names: Vec<_> = of(context).map(|k| k.name).collect();
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{context:?} has a keyword twice");
        }
    }

    #[test]
    fn every_row_is_documented_and_stands_somewhere() {
        for k in TABLE {
            assert!(!k.doc.is_empty() && !k.contexts.is_empty(), "{k:?}");
            assert!((1..=3).contains(&k.tier), "{k:?}");
            for version in [k.since, k.until].into_iter().filter(|v| !v.is_empty()) {
                assert_eq!(number(version).len(), version.split('.').count(), "{k:?}");
            }
            // What is no word of a block begins with a sign that no word begins with.
            let word = k.name.trim_start_matches(['@', '$', '~', '-']);
            let signed = word.len() < k.name.len() && k.contexts.iter().all(|c| !c.begins_lines());
            assert!(word.len() == k.name.len() || signed, "{k:?}");
            assert!(word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{k:?}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(
            number("2.2.10") > number("2.2.9")
                && number("2.3") > number("2.2.10")
                && number("") < number("1")
        );
    }

    #[test]
    fn every_block_context_can_be_entered() {
        for context in Context::ALL.into_iter().filter(|c| !matches!(c, Context::Top | Context::Line)) {
            let entries = !context.begins_lines();
            let enters = |k: &&Keyword| match k.form {
                Form::Block(inner) | Form::Named(inner) => inner == context,
                Form::Entries => entries && k.name == context.name(),
                _ => false,
            };
            assert_eq!(TABLE.iter().find(enters).map(|k| k.name), Some(context.name()));
        }
    }
}
