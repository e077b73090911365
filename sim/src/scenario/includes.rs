//! A configuration file and the files it includes, as far as they can be read.

use std::io;
use std::sync::Arc;

use havip::files::Files;

use super::prepare::Read;

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    pub(super) files: Arc<Files>,
    /// What could not be looked for, a line each.
    pub(super) notes: Vec<String>,
}

/// How many files, and how many bytes of them, one configuration may have.
const MOST_FILES: usize = 256;
const MOST_BYTES: usize = 16 << 20;

/// Reads a file and what it includes. Only the file itself must be there: of a missing include keepalived
/// only complains, and so does whoever loads the result.
pub(super) fn gather(main: &str, read: &Read<'_>) -> io::Result<Gathered> {
    let mut files = Files::single(main, read(main)?);
    let mut bytes = files.texts.values().map(String::len).sum::<usize>();
    let (mut notes, mut looked_for) = (Vec::new(), vec![main.to_owned()]);
    let mut next = 0;
    while let Some(including) = looked_for.get(next).cloned() {
        next += 1;
        let Some(text) = files.texts.get(&including) else { continue };
        for pattern in &includes(text) {
            let path = resolve(&including, pattern);
            if looked_for.contains(&path) {
                continue;
            }
            if looked_for.len() >= MOST_FILES || bytes > MOST_BYTES {
                notes.push(format!("{main}: it includes too much; the rest is not read"));
                return Ok(Gathered { files: Arc::new(files), notes });
            }
            looked_for.push(path.clone());
            match read(&path) {
                Ok(found) => {
                    bytes += found.len();
                    files.texts.insert(path, found);
                }
                Err(_) if pattern.contains(['*', '?', '[']) => {
                    notes.push(format!("{including}: include {pattern}: a scenario looks for no patterns"));
                }
                Err(_) => {}
            }
        }
    }
    Ok(Gathered { files: Arc::new(files), notes })
}

/// What the lines of a file include: `include FILE`, its variants, each behind an `@id` perhaps.
fn includes(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip_while(|word| word.starts_with('@'));
            let word = words.next()?;
            let variant = word.strip_prefix("include")?;
            (variant.len() <= 1).then(|| words.next())?.map(|path| path.trim_matches(['"', '\'']).to_owned())
        })
        .collect()
}

/// An included path: relative to the folder of the file that includes it, `.` and `..` resolved by name.
fn resolve(including: &str, path: &str) -> String {
    let folder = including.rfind('/').map_or("", |i| &including[..i]);
    let absolute = path.starts_with('/') || including.starts_with('/');
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(&last)) if last != ".." => drop(parts.pop()),
            ("..", None) if absolute => {}
            _ => parts.push(part),
        }
    }
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_followed_by_name_and_each_is_read_once() {
        let read = |path: &str| match path {
            "conf/a.conf" => Ok("include common.conf\n@a include sub/x.conf\ninclude d/*.conf\n".to_owned()),
            "conf/common.conf" => Ok("include a.conf # a circle\n".to_owned()),
            "conf/sub/x.conf" => Ok("include ../../y.conf\ninclude missing.conf\n".to_owned()),
            "y.conf" => Ok("! the end\n".to_owned()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        let found = gather("conf/a.conf", &read).unwrap();
        let paths: Vec<_> = found.files.texts.keys().map(String::as_str).collect();
        assert_eq!(paths, ["conf/a.conf", "conf/common.conf", "conf/sub/x.conf", "y.conf"]);
        assert_eq!(found.notes, ["conf/a.conf: include d/*.conf: a scenario looks for no patterns"]);
    }

    #[test]
    fn a_file_that_includes_ever_more_is_cut_short() {
        let read = |path: &str| Ok(format!("include {path}x\n"));
        let found = gather("a", &read).unwrap();
        assert_eq!(found.files.texts.len(), MOST_FILES);
        assert_eq!(found.notes.len(), 1);
    }
}
