//! Names, tags and ids as users write them.

use super::ids::is_id;
use super::objects::Tag;
use super::{Code, Refused};

/// No name is longer, in characters.
const LONGEST_NAME: usize = 60;

/// A name, if it is one.
pub(super) fn name(parameter: &str, text: &str) -> Result<String, Refused> {
    if text.is_empty() {
        return Err(Refused::new(Code::EMPTY, format!("The parameter `{parameter}` is empty.")));
    }
    if text.chars().count() > LONGEST_NAME {
        let message = format!("The parameter `{parameter}` is longer than {LONGEST_NAME} characters.");
        return Err(Refused::new(Code::TOO_LONG, message));
    }
    Ok(text.to_owned())
}

/// Tags: at most 50, keys of 1 to 127 characters, each once.
pub(super) fn tags(tags: Vec<Tag>) -> Result<Vec<Tag>, Refused> {
    if tags.len() > 50 {
        return Err(Refused::new(Code::VALUE_LIMIT, "More than 50 tags."));
    }
    for (i, tag) in tags.iter().enumerate() {
        if tag.key.is_empty() || tag.key.chars().count() > 127 || tag.value.chars().count() > 255 {
            return Err(Refused::new(Code::INVALID_TAG, format!("The tag `{}` is not valid.", tag.key)));
        }
        if tags[..i].iter().any(|other| other.key == tag.key) {
            return Err(Refused::new(Code::TAG_DUPLICATE, format!("The tag `{}` comes twice.", tag.key)));
        }
    }
    Ok(tags)
}

/// Complains of what is no id of a kind.
pub(super) fn id<'a>(parameter: &str, prefix: &str, text: &'a str) -> Result<&'a str, Refused> {
    if is_id(text, prefix) {
        return Ok(text);
    }
    let message =
        format!("The parameter `{parameter}` is malformed: `{text}` is no id like `{prefix}-xxxxxxxx`.");
    Err(Refused::new(Code::MALFORMED, message))
}
