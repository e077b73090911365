//! A configuration file and the files it includes, as a scenario finds them: by name, never by pattern.

use std::io;
use std::sync::Arc;

use havip::config::includes;
use havip::files::Files;

use super::prepare::Read;

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    pub(super) files: Arc<Files>,
    /// What could not be looked for, a line each.
    pub(super) notes: Vec<String>,
}

/// Reads a file and what it includes. Only the file itself must be there: of a missing include keepalived
/// only complains, and so does whoever loads the result.
pub(super) fn gather(main: &str, read: &Read<'_>) -> io::Result<Gathered> {
    let mut notes = Vec::new();
    let mut find = |path: &str| {
        if path.contains(['*', '?', '[']) {
            notes.push(format!("{main}: include {path}: a scenario looks for no patterns"));
            return Vec::new();
        }
        vec![path.to_owned()]
    };
    let found = includes::gather(main, &mut find, read)?;
    if found.cut_short {
        notes.push(format!("{main}: it includes too much; the rest is not read"));
    }
    Ok(Gathered { files: Arc::new(found.files), notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_told_and_not_looked_for() {
        let read = |path: &str| match path {
            "conf/a.conf" => Ok("include common.conf\ninclude d/*.conf\n".to_owned()),
            "conf/common.conf" => Ok("! the end\n".to_owned()),
            _ => panic!("{path}"),
        };
        let found = gather("conf/a.conf", &read).unwrap();
        assert_eq!(found.files.texts.len(), 2);
        assert_eq!(found.notes, ["conf/a.conf: include conf/d/*.conf: a scenario looks for no patterns"]);
    }
}
