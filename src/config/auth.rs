//! `authentication`: VRRPv2's password.

use super::Span;
use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::model::Password;
use super::parser::Node;
use super::values::Set;

/// The `authentication` block.
#[derive(Debug)]
pub(super) struct Authentication {
    pub(super) line: Span,
    /// A kind that was understood.
    pub(super) kind: Option<Set<AuthKind>>,
    /// A kind stands there, understood or not.
    pub(super) kind_written: bool,
    pub(super) password: Option<Set<Password>>,
}

/// `auth_type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthKind {
    Pass,
    Ah,
}

/// Reads the block.
pub(super) fn read(node: &Node, out: &mut Diagnoses) -> Authentication {
    let mut block = Authentication { line: node.span(), kind: None, kind_written: false, password: None };
    for line in &node.children {
        let Some(word) = line.value() else { continue };
        if line.name() == "auth_type" {
            block.kind_written = true;
            match word.text.as_str() {
                "PASS" => block.kind = Set::new(AuthKind::Pass, line),
                "AH" => block.kind = Set::new(AuthKind::Ah, line),
                other => {
                    let message = format!("{} is no authentication: PASS is", quote(other));
                    let help = "the instance runs without a password, and a peer with one takes no advertisement of it: both become master";
                    out.push(
                        Diagnosis::error("bad-auth-type", word.span, message).help(help).by_keepalived(),
                    );
                }
            }
        } else if line.name() == "auth_pass" {
            let mut bytes = [0; 8];
            let text = word.text.as_bytes();
            for (to, from) in bytes.iter_mut().zip(text) {
                *to = *from;
            }
            if text.len() > bytes.len() {
                let said = "a password has at most 8 characters: the rest is cut off";
                out.push(Diagnosis::warning("password-cut", word.span, said).by_keepalived());
            }
            block.password = Set::new(Password(bytes), line);
        }
    }
    block
}
