//! Results on a disk: appended block by block, taken up again, put in order, put together.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::plan::Seeds;
use super::results::{BLOCK, Head, LONGEST_LINE, line_of, parse_line};
use super::tally::Tally;

/// A results file that is being written.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    head: Head,
    file: File,
    /// Up to here the file is good.
    end: u64,
    /// By block: where its line is, and how long.
    blocks: BTreeMap<u64, (u64, u64)>,
    /// The lines are in the order of their blocks.
    in_order: bool,
    total: Tally,
    /// What was there is here now.
    moved: Option<PathBuf>,
}

/// What is the matter with a file that is there.
enum Wrong {
    OtherCampaign(String),
    Broken(String),
}

/// What to do about a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Begin anew, unless it has work of this campaign: one that did not end is refused, one that did is what it would
    /// be again. Another campaign's is kept as `.old`, `.old.2` and so on.
    Anew,
    /// Go on with it.
    Resume,
}

impl Results {
    /// Opens a file for a campaign of so many seeds. What cannot be, and what to do about it, is said.
    pub fn open(path: &Path, head: &Head, seeds: u64, begin: Begin) -> Result<Results, String> {
        let unwritable = |error: &io::Error| cannot_write(path, error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| unwritable(&error))?;
        }
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = open.map_err(|error| unwritable(&error))?;
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => {
                return Err(format!(
                    "{} is being written by another havip-sim: wait for it, or name another place with --out",
                    path.display()
                ));
            }
            // Not every file system has locks.
            Err(fs::TryLockError::Error(_)) | Ok(()) => {}
        }
        let mut results = Results {
            path: path.to_owned(),
            head: head.clone(),
            file,
            end: 0,
            blocks: BTreeMap::new(),
            in_order: true,
            total: Tally::default(),
            moved: None,
        };
        let known = results.take_up();
        match (begin, known) {
            (Begin::Resume, Err(Wrong::OtherCampaign(error) | Wrong::Broken(error))) => {
                return Err(format!("cannot resume {}: {error}", path.display()));
            }
            (Begin::Anew, Err(Wrong::Broken(error))) => {
                return Err(format!(
                    "{} is there already, and {error}: remove it, or name another place with --out",
                    path.display()
                ));
            }
            (Begin::Anew, Err(Wrong::OtherCampaign(_))) => {
                let old = old_name(path);
                fs::rename(path, &old).map_err(|error| unwritable(&error))?;
                return Ok(Results { moved: Some(old), ..Results::open(path, head, seeds, begin)? });
            }
            (Begin::Anew, Ok(())) if !results.blocks.is_empty() && results.total.seeds < seeds => {
                let done = results.total.seeds;
                return Err(format!(
                    "{} has {done} of {seeds} seeds of this campaign: --resume goes on; or remove it, or name \
                     another place with --out",
                    path.display()
                ));
            }
            (_, Ok(())) => {}
        }
        // What was cut off is written again.
        results.file.set_len(results.end).map_err(|error| unwritable(&error))?;
        if results.end == 0 {
            results.append(&head.line()).map_err(|error| unwritable(&error))?;
        }
        Ok(results)
    }

    /// Reads what is there: whole lines. An empty file has none.
    fn take_up(&mut self) -> Result<(), Wrong> {
        let mut lines = Lines::of(self.file.try_clone().map_err(|error| Wrong::Broken(error.to_string()))?);
        let Some((_, line)) = lines.next_line().map_err(Wrong::Broken)? else { return Ok(()) };
        let head = Head::parse(&line).map_err(Wrong::Broken)?;
        if let Some(difference) = self.head.differs(&head) {
            return Err(Wrong::OtherCampaign(difference));
        }
        self.end = lines.at;
        while let Some((at, line)) = lines.next_line().map_err(Wrong::Broken)? {
            let number = lines.number;
            let (block, tally) = parse_line(&self.head, &line)
                .ok_or_else(|| Wrong::Broken(format!("line {number} is no block of it")))?;
            if self.blocks.contains_key(&block) {
                return Err(Wrong::Broken(format!("line {number} has block {block} a second time")));
            }
            self.put(block, (at, lines.at - at), &tally);
            self.end = lines.at;
        }
        Ok(())
    }

    fn put(&mut self, block: u64, place: (u64, u64), tally: &Tally) {
        self.in_order &= self.blocks.last_key_value().is_none_or(|(last, _)| *last < block);
        self.blocks.insert(block, place);
        self.total.take(tally);
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(line.as_bytes())?;
        self.end += line.len() as u64;
        Ok(())
    }

    /// Appends a block. If that fails the tally is counted all the same, and the file is as it was.
    pub fn add(&mut self, block: u64, tally: &Tally) -> Result<(), String> {
        let (line, at) = (line_of(block, tally), self.end);
        let appended = self.append(&line);
        if let Err(error) = &appended {
            // It may not be possible either; then the line is cut off, and who resumes takes it away.
            let _ = self.file.set_len(at);
            self.total.take(tally);
            return Err(cannot_write(&self.path, error));
        }
        self.put(block, (at, line.len() as u64), tally);
        Ok(())
    }

    /// Whether a block is in it.
    pub fn has(&self, block: u64) -> bool {
        self.blocks.contains_key(&block)
    }
    /// What all blocks come to.
    pub fn total(&self) -> &Tally {
        &self.total
    }
    /// The campaign.
    pub fn head(&self) -> &Head {
        &self.head
    }
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where another campaign's results are now that were there.
    pub fn moved(&self) -> Option<&Path> {
        self.moved.as_deref()
    }

    /// The last that is done with it puts the blocks in order: the bytes are the same then in whatever order they were computed.
    pub fn finish(&mut self) -> Result<(), String> {
        if self.in_order {
            return self.file.sync_all().map_err(|error| cannot_write(&self.path, &error));
        }
        let places: Vec<(u64, u64)> = self.blocks.values().copied().collect();
        let (head, file) = (self.head.line(), &mut self.file);
        replace(&self.path, |out| {
            out.write_all(head.as_bytes())?;
            places.iter().try_for_each(|place| copy(file, *place, out))
        })
        .map_err(|error| cannot_write(&self.path, &error))
    }
}

/// What results of several machines come to.
#[derive(Clone, Debug)]
pub struct Merged {
    /// Their campaign.
    pub head: Head,
    /// All of them.
    pub total: Tally,
    /// The seeds that none of them has, in order: from which to which.
    pub missing: Vec<(u64, u64)>,
}

/// Puts the results of several machines together: what they come to, and with `out` as a file. It is the same in
/// whatever order they are given, and however often.
pub fn merge(paths: &[PathBuf], out: Option<&Path>) -> Result<Merged, String> {
    let mut head: Option<(Head, &Path)> = None;
    // Files are opened again where they are copied from: there may be more than a process may have open.
    let mut blocks: BTreeMap<u64, (&Path, (u64, u64))> = BTreeMap::new();
    let mut total = Tally::default();
    for path in paths {
        let says = |error: String| format!("{}: {error}", path.display());
        let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
        let mut lines = Lines::of(file);
        let (_, line) =
            lines.next_line().map_err(says)?.ok_or_else(|| says("there is nothing in it".to_owned()))?;
        let theirs = Head::parse(&line).map_err(says)?;
        let (ours, first) = head.get_or_insert_with(|| (theirs.clone(), path));
        if let Some(difference) = ours.differs(&theirs) {
            return Err(says(format!("{difference} as {} is", first.display())));
        }
        while let Some((at, line)) = lines.next_line().map_err(says)? {
            let number = lines.number;
            let (block, tally) = parse_line(&theirs, &line)
                .ok_or_else(|| says(format!("line {number} is no block of its campaign")))?;
            let place = (at, lines.at - at);
            let Some((of, known)) = blocks.get(&block).copied() else {
                blocks.insert(block, (path, place));
                total.take(&tally);
                continue;
            };
            let mut before = Vec::new();
            copy_of(of, known, &mut before).map_err(|error| cannot_read(of, &error))?;
            if before != format!("{line}\n").into_bytes() {
                return Err(says(format!(
                    "block {block} is not the same as in {}: one code and one plan give one result; look for a \
                     machine that is broken (havip-sim explore --check-determinism)",
                    of.display()
                )));
            }
        }
        if lines.cut_off {
            return Err(says("its last line is cut off: finish it with explore --resume".to_owned()));
        }
    }
    let (head, _) = head.ok_or("no file to merge")?;
    if let Some(out) = out {
        let written = replace(out, |to| {
            to.write_all(head.line().as_bytes())?;
            blocks.values().try_for_each(|(path, place)| copy_of(path, *place, to))
        });
        written.map_err(|error| cannot_write(out, &error))?;
    }
    let missing = missing(head.seeds, &blocks);
    Ok(Merged { head, total, missing })
}

/// The seeds of a campaign whose blocks are not there.
fn missing<T>(Seeds { first, last }: Seeds, blocks: &BTreeMap<u64, T>) -> Vec<(u64, u64)> {
    let mut missing = Vec::new();
    let mut next = first;
    for block in blocks.keys() {
        let begins = block.saturating_mul(BLOCK);
        if next < begins {
            missing.push((next, begins - 1));
        }
        let Some(behind) = begins.checked_add(BLOCK).filter(|behind| *behind <= last) else { return missing };
        next = behind;
    }
    missing.push((next, last));
    missing
}

/// Writes a file beside another and puts it in its place: whoever reads has the old or the new one. What is no file, a
/// device or a pipe, stays what it is and is written to; a link stays a link.
fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let real = fs::canonicalize(path);
    let path = real.as_deref().unwrap_or(path);
    if fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir()) {
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(path)?);
        write(&mut out)?;
        return out.flush();
    }
    let beside = beside(path, ".tmp");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let written = File::create(&beside).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(ending);
    PathBuf::from(name)
}

/// What a file is called when another is to have its name: as nothing is called yet.
fn old_name(path: &Path) -> PathBuf {
    let names = (2..).map(|n: u64| beside(path, &format!(".old.{n}")));
    let mut free = std::iter::once(beside(path, ".old")).chain(names).filter(|name| !name.exists());
    free.next().unwrap_or_else(|| beside(path, ".old"))
}

fn copy_of(path: &Path, place: (u64, u64), to: &mut impl io::Write) -> io::Result<()> {
    copy(&mut File::open(path)?, place, to)
}

fn copy(from: &mut File, (at, length): (u64, u64), to: &mut impl io::Write) -> io::Result<()> {
    from.seek(SeekFrom::Start(at))?;
    let copied = io::copy(&mut from.take(length), to)?;
    if copied == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// The whole lines of a file, and where they are.
struct Lines {
    file: BufReader<File>,
    /// Where the next line begins.
    at: u64,
    /// The number of the last line, from 1.
    number: u64,
    /// The file ends within a line.
    cut_off: bool,
}

impl Lines {
    fn of(file: File) -> Lines {
        Lines { file: BufReader::new(file), at: 0, number: 0, cut_off: false }
    }

    /// The next line and where it begins; nothing where the file ends, be it within a line.
    fn next_line(&mut self) -> Result<Option<(u64, String)>, String> {
        let mut bytes = Vec::new();
        let read = self.file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
        read.map_err(|error| error.to_string())?;
        self.number += 1;
        if bytes.last() != Some(&b'\n') {
            self.cut_off = !bytes.is_empty();
            return match bytes.len() as u64 >= LONGEST_LINE {
                true => Err(format!("line {} is too long to be of results", self.number)),
                false => Ok(None),
            };
        }
        let at = self.at;
        self.at += bytes.len() as u64;
        bytes.pop();
        let line = String::from_utf8(bytes).map_err(|_| format!("line {} is no text", self.number))?;
        Ok(Some((at, line)))
    }
}

fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "name a place that you may write to with --out"
        }
        io::ErrorKind::IsADirectory => "it is a folder: name another place with --out",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room and go on with --resume"
        }
        _ => "name another place with --out",
    };
    format!("cannot write {}: {error}: {advice}", path.display())
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{head, tally};
    use super::*;
    use proptest::prelude::*;

    /// A folder of its own for each test.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("havip-sim-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn write(path: &Path, blocks: &[u64]) -> Results {
        let head = head(0, 1_000);
        let mut results = Results::open(path, &head, 1_001, Begin::Anew).expect("a file");
        for &block in blocks {
            results.add(block, &tally(&head, block)).expect("room");
        }
        results
    }

    #[test]
    fn the_seeds_that_nobody_has_are_told() {
        let gaps = |(first, last), blocks: &[u64]| {
            missing(Seeds { first, last }, &blocks.iter().map(|block| (*block, ())).collect())
        };
        assert_eq!(gaps((1, 1_000), &[]), [(1, 1_000)]);
        assert_eq!(gaps((1, 1_000), &[0, 1, 2, 3, 4, 5, 6, 7]), []);
        assert_eq!(gaps((1, 1_000), &[0, 3, 4, 7]), [(128, 383), (640, 895)]);
        assert_eq!(gaps((200, 300), &[2]), [(200, 255)]);
        assert_eq!(gaps((200, 300), &[1]), [(256, 300)]);
        assert_eq!(gaps((0, 300), &[0, 1, 2]), []);
        assert_eq!(gaps((0, 300), &[1]), [(0, 127), (256, 300)]);
        assert_eq!(gaps((0, u64::MAX), &[u64::MAX / BLOCK]), [(0, u64::MAX - BLOCK)]);
    }

    #[test]
    fn a_finished_file_is_in_order_whatever_the_order_of_its_blocks() {
        let folder = folder("order");
        let [one, other] = ["one", "other"].map(|name| folder.join(name));
        write(&one, &[0, 1, 2, 3, 4, 5, 6, 7]).finish().expect("room");
        let mut results = write(&other, &[7, 2, 0, 1, 6, 5, 4, 3]);
        results.finish().expect("room");
        assert_eq!(fs::read(&one).unwrap(), fs::read(&other).unwrap());
        assert_eq!(results.total().seeds, 1_001);
        let names = fs::read_dir(&folder).unwrap().count();
        assert_eq!(names, 2, "nothing is left beside them");
    }

    #[test]
    fn what_was_cut_off_is_written_again_and_the_rest_is_kept() {
        let folder = folder("resume");
        let path = folder.join("results");
        let whole = write(&path, &[3, 0, 5]).total().clone();
        let bytes = fs::read(&path).unwrap();
        let ends: Vec<usize> = (0..bytes.len()).filter(|i| bytes[*i] == b'\n').map(|i| i + 1).collect();
        for cut in
            (0..bytes.len()).step_by(97).chain(ends.iter().copied()).chain(ends.iter().map(|end| end - 1))
        {
            fs::write(&path, &bytes[..cut]).unwrap();
            let mut results = Results::open(&path, &head(0, 1_000), 1_001, Begin::Resume).expect("a file");
            let lines = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(results.blocks.len(), lines.saturating_sub(1), "cut at {cut}");
            for block in [3, 0, 5] {
                if !results.has(block) {
                    results.add(block, &tally(&head(0, 1_000), block)).expect("room");
                }
            }
            assert_eq!(*results.total(), whole, "cut at {cut}");
            drop(results);
            assert_eq!(fs::read(&path).unwrap(), bytes, "cut at {cut}");
        }
    }

    #[test]
    fn work_that_was_not_ended_is_not_thrown_away() {
        let folder = folder("anew");
        let path = folder.join("results");
        drop(write(&path, &[3, 0]));
        let open = |head: &Head, seeds, begin| Results::open(&path, head, seeds, begin);
        let refused = open(&head(0, 1_000), 1_001, Begin::Anew).expect_err("work in it");
        assert!(refused.contains("has 256 of 1001 seeds of this campaign: --resume goes on"), "{refused}");
        // All that a shard had to do is done: it would be the same again.
        assert_eq!(open(&head(0, 1_000), 256, Begin::Anew).expect("all of it").total().seeds, 256);

        let bytes = fs::read(&path).unwrap();
        let other = open(&head(0, 2_000), 2_001, Begin::Resume).expect_err("another campaign");
        assert!(other.contains("it is of seeds 0..1000, not 0..2000"), "{other}");
        let results = open(&head(0, 2_000), 2_001, Begin::Anew).expect("anew");
        assert_eq!(fs::read(results.moved().expect("kept")).unwrap(), bytes);

        fs::write(folder.join("mine"), "my own notes\n").unwrap();
        let notes = Results::open(&folder.join("mine"), &head(0, 1), 2, Begin::Anew).expect_err("no results");
        assert!(notes.contains("is there already, and these are no results"), "{notes}");
        assert_eq!(fs::read(folder.join("mine")).unwrap(), b"my own notes\n");
    }

    #[test]
    fn one_process_writes_a_file() {
        let path = folder("lock").join("results");
        let _held = write(&path, &[3]);
        let refused = Results::open(&path, &head(0, 1_000), 1_001, Begin::Resume).expect_err("held");
        assert!(refused.contains("is being written by another havip-sim"), "{refused}");
    }

    #[test]
    fn results_that_do_not_belong_together_are_not_put_together() {
        let folder = folder("refused");
        let [one, other] = ["one", "other"].map(|name| folder.join(name));
        drop(write(&one, &[0, 1]));
        let refused = |head: Head, spoil: fn(&mut Tally)| {
            let _ = fs::remove_file(&other);
            let mut results = Results::open(&other, &head, 9_999, Begin::Anew).expect("a file");
            let mut one = tally(&head, 1);
            spoil(&mut one);
            results.add(1, &one).expect("room");
            merge(&[one_path(&folder), other.clone()], None).expect_err("another campaign")
        };
        let same = head(0, 1_000);
        assert!(refused(head(0, 1_001), |_| {}).contains("it is of seeds 0..1001, not 0..1000"));
        assert!(
            refused(Head { code: "0ld".to_owned(), ..same.clone() }, |_| {})
                .contains("other code (0ld, not c0de)")
        );
        let says = same.says.replace("kill", "stop");
        let plan = refused(Head { plan: 8, says, ..same.clone() }, |_| {});
        assert!(plan.contains("another plan: `injections stop`, not `injections kill`"), "{plan}");
        assert!(refused(Head { plan: 8, ..same.clone() }, |_| {}).contains("another cluster or plan"));
        let broken = refused(same, |tally| tally.digest += 1);
        assert!(broken.contains("block 1 is not the same as in"), "{broken}");
        fs::write(&other, &fs::read(&one).unwrap()[..300]).unwrap();
        assert!(merge(&[one, other], None).expect_err("cut off").contains("cut off"));
    }

    fn one_path(folder: &Path) -> PathBuf {
        folder.join("one")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn parts_come_to_the_same_bytes_in_any_order_and_number(
            parts in proptest::collection::vec(proptest::collection::btree_set(0..8u64, 0..8), 1..5),
            turn in 0..5usize,
        ) {
            let folder = folder("merge");
            let mut paths: Vec<PathBuf> = Vec::new();
            for (i, blocks) in parts.iter().enumerate() {
                paths.push(folder.join(format!("part-{i}")));
                drop(write(&paths[i], &blocks.iter().rev().copied().collect::<Vec<_>>()));
            }
            let whole = folder.join("whole");
            let all: std::collections::BTreeSet<u64> = parts.iter().flatten().copied().collect();
            let mut results = write(&whole, &all.into_iter().collect::<Vec<_>>());
            results.finish().expect("room");
            let bytes = fs::read(&whole).unwrap();
            let merged = |paths: &[PathBuf]| {
                let out = folder.join("out");
                let Merged { total, .. } = merge(paths, Some(&out)).expect("parts of one campaign");
                assert_eq!(&total, results.total());
                fs::read(out).unwrap()
            };
            prop_assert_eq!(&merged(&paths), &bytes);
            paths.rotate_left(turn % parts.len());
            prop_assert_eq!(&merged(&paths), &bytes, "commutative");
            let some = folder.join("some");
            merge(&paths[..paths.len().div_ceil(2)], Some(&some)).expect("parts of one campaign");
            paths.push(some);
            prop_assert_eq!(&merged(&paths), &bytes, "associative, and idempotent");
        }
    }
}
