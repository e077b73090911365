//! The script language: what a `.scn` file says, read and printed.
//!
//! A file is text for people who write `keepalived.conf`: one statement a line, `#` comments, absolute times;
//! a path or an override with blanks in it stands between two `"`.
//! [`Script::parse`] reads it, complains of everything that cannot be (each [`ScriptError`] with line, column
//! and what was expected), and gives a [`Script`]: the declarations with their names, the acts and the
//! expectations with dense ids. A script prints as text that reads as the same script. [`Script::prepare`]
//! then reads the configuration files it names and gives a [`Scenario`], ready to run.
//!
//! ```
//! use havip_sim::scenario::Script;
//!
//! let text = "\
//! scenario power-off
//! run 60s seed 7
//!
//! vpc    172.16.0.0/16
//! subnet 172.16.16.0/24
//! havip  172.16.16.12
//! cvm    a  172.16.16.5  keepalived conf/pair.conf
//! cvm    b  172.16.16.6  keepalived conf/pair.conf
//!
//! at 20s  power-off a
//! expect by 24s master b   # 3.648 s after a's last advert
//! ";
//! let script = Script::parse("power-off.scn", text).unwrap();
//! assert_eq!(script.act_text(&script.acts[0].act).to_string(), "power-off a");
//! assert_eq!(Script::parse("again", &script.to_string()).unwrap(), script);
//!
//! let wrong = Script::parse("x.scn", &text.replace("power-off a", "power-off c")).unwrap_err();
//! assert_eq!(wrong[0].one_line(), "x.scn:10:19: expected a machine's name, found `c`");
//! ```
//!
//! The map: `lex` cuts lines into words, `value` reads single words, `draft` holds declarations while they
//! are read by `declare`, `validate` holds them against each other; `act` and `expectation` read the story
//! against them, `console` what is of both kinds; `parse` is the whole of it. `print` and `text` are the way back.

mod act;
mod console;
mod declare;
mod draft;
mod error;
mod expect;
mod expectation;
mod includes;
mod lex;
mod load;
mod parse;
mod place;
mod prepare;
mod print;
mod rule;
mod script;
mod spoof;
mod text;
mod validate;
mod value;
mod words;

#[cfg(test)]
mod tests;

pub use error::ScriptError;
pub use expect::{Expect, Expectation, Fact};
pub use load::load_keepalived;
pub use place::{Place, Source};
pub use prepare::{Load, Loaded, Read, Scenario};
pub use print::TimeText;
pub use rule::{RULES, Rule};
pub use script::{
    CheckDecl, ClientDecl, CvmDecl, EipDecl, EniDecl, FileDecl, HavipDecl, ProgramDecl, Script, ServiceDecl,
    TextDecl, WithDecl,
};
pub use text::{ActText, ExpectText, Names};
pub use value::{share_of, times};
pub(crate) use words::name_of;
