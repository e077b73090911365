//! What is stored: the model's rows in SQLite, so that an answered request survives the end of the process and of the
//! power.
//!
//! One thread writes. It takes every change that waits and writes them in one transaction (group commit); SQLite syncs
//! the log before the commit returns (WAL, `synchronous=FULL`). Requests wait until theirs is in. A change that cannot
//! be written ends the process: what it holds in memory is no longer what is stored.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use havip_sim::cloud::model::{Change, Corrupt, Model};
use rusqlite::{Connection, params};
use tokio::sync::watch;

use crate::keys::{Keys, Secret};

/// The version of the tables.
const VERSION: i64 = 1;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made.
    #[error("cannot make the folder {path}: {error}")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// SQLite cannot.
    #[error("cannot open the store: {0}; is another server using it?")]
    Sqlite(#[from] rusqlite::Error),
    /// Another version wrote it.
    #[error("the store has version {0}, this program reads version {VERSION}")]
    Version(i64),
    /// Its rows make no model.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// What is read at a start.
#[derive(Debug)]
pub struct Loaded {
    /// The cloud.
    pub model: Model,
    /// Who may use it.
    pub keys: Keys,
    /// How often it has been started, this time included.
    pub starts: u64,
}

enum Job {
    /// Rows that change together.
    Changes(u64, Vec<Change>),
    /// Everything is replaced.
    Replace(u64, Vec<Change>),
    /// A key pair.
    Key(u64, String, Secret),
}

/// Where changes go.
#[derive(Debug)]
pub struct Store {
    jobs: Option<Sender<Job>>,
    last: u64,
    committed: watch::Receiver<u64>,
}

impl Store {
    /// A store that keeps nothing.
    pub fn nowhere() -> Store {
        Store { jobs: None, last: 0, committed: watch::channel(u64::MAX).1 }
    }

    /// Opens the store of a folder; makes one where there is none, of that seed.
    pub fn open(folder: &Path, seed: u64) -> Result<(Store, Loaded), OpenError> {
        make_private(folder)
            .map_err(|error| OpenError::Folder { path: folder.display().to_string(), error })?;
        let mut connection = Connection::open(folder.join("havip.sqlite3"))?;
        prepare(&mut connection)?;
        let loaded = load(&connection, seed)?;
        let (jobs, waiting) = channel();
        let (done, committed) = watch::channel(0);
        #[allow(clippy::disallowed_methods, reason = "the thread that waits for the disk")]
        std::thread::spawn(move || write(connection, &waiting, &done));
        Ok((Store { jobs: Some(jobs), last: 0, committed }, loaded))
    }

    /// Writes rows that change together. They are in when [`committed`](Store::committed) has reached the number.
    pub fn change(&mut self, changes: Vec<Change>) -> u64 {
        self.send(|n| Job::Changes(n, changes))
    }
    /// Replaces everything.
    pub fn replace(&mut self, rows: Vec<Change>) -> u64 {
        self.send(|n| Job::Replace(n, rows))
    }
    /// Adds a key pair.
    pub fn key(&mut self, id: String, secret: Secret) -> u64 {
        self.send(|n| Job::Key(n, id, secret))
    }
    /// The number of the last change.
    pub fn last(&self) -> u64 {
        self.last
    }
    /// The number of the last change that is in.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.committed.clone()
    }

    fn send(&mut self, job: impl FnOnce(u64) -> Job) -> u64 {
        let Some(jobs) = &self.jobs else { return 0 };
        self.last += 1;
        // Without its thread nothing is committed any more, and nobody is answered.
        let _ = jobs.send(job(self.last));
        self.last
    }
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // It holds secret keys.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

fn prepare(connection: &mut Connection) -> Result<(), OpenError> {
    connection.busy_timeout(std::time::Duration::from_millis(500))?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => {
            let all = connection.transaction()?;
            all.execute_batch(
                "CREATE TABLE row (kind TEXT, region TEXT, id TEXT, text TEXT NOT NULL,
                     PRIMARY KEY (kind, region, id)) WITHOUT ROWID;
                 CREATE TABLE key (id TEXT PRIMARY KEY, secret TEXT NOT NULL);
                 CREATE TABLE starts (n INTEGER NOT NULL);
                 INSERT INTO starts VALUES (0);",
            )?;
            all.pragma_update(None, "user_version", VERSION)?;
            all.commit()?;
        }
        VERSION => {}
        other => return Err(OpenError::Version(other)),
    }
    connection.execute("UPDATE starts SET n = n + 1", [])?;
    Ok(())
}

fn load(connection: &Connection, seed: u64) -> Result<Loaded, OpenError> {
    let mut rows = connection.prepare("SELECT kind, region, id, text FROM row")?;
    let mut all: Vec<[String; 4]> = Vec::new();
    let mut found = rows.query([])?;
    while let Some(row) = found.next()? {
        all.push([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
    }
    let texts = all.iter().map(|[kind, region, id, text]| (&**kind, &**region, &**id, &**text));
    let model = Model::load(seed, texts)?;
    let mut keys = Keys::new();
    let mut rows = connection.prepare("SELECT id, secret FROM key")?;
    let mut found = rows.query([])?;
    while let Some(row) = found.next()? {
        keys.insert(row.get(0)?, Secret::new(row.get(1)?));
    }
    let starts = connection.query_row("SELECT n FROM starts", [], |row| row.get::<_, i64>(0))?;
    Ok(Loaded { model, keys, starts: starts.unsigned_abs() })
}

/// At most so many jobs in one transaction.
const GROUP: usize = 1000;

fn write(mut connection: Connection, waiting: &Receiver<Job>, done: &watch::Sender<u64>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        match commit(&mut connection, &group) {
            Ok(last) => _ = done.send(last),
            Err(error) => {
                eprintln!(
                    "error: cannot store a change, and end so that nothing is told that is not stored: {error}"
                );
                std::process::exit(1);
            }
        }
    }
}

fn commit(connection: &mut Connection, group: &[Job]) -> rusqlite::Result<u64> {
    let all = connection.transaction()?;
    let mut last = 0;
    for job in group {
        match job {
            Job::Changes(n, changes) => {
                put(&all, changes)?;
                last = *n;
            }
            Job::Replace(n, rows) => {
                all.execute("DELETE FROM row", [])?;
                put(&all, rows)?;
                last = *n;
            }
            Job::Key(n, id, secret) => {
                all.execute("INSERT OR REPLACE INTO key VALUES (?1, ?2)", params![id, secret.reveal()])?;
                last = *n;
            }
        }
    }
    all.commit()?;
    Ok(last)
}

fn put(all: &rusqlite::Transaction<'_>, changes: &[Change]) -> rusqlite::Result<()> {
    let mut replace = all.prepare_cached("INSERT OR REPLACE INTO row VALUES (?1, ?2, ?3, ?4)")?;
    let mut remove = all.prepare_cached("DELETE FROM row WHERE kind = ?1 AND region = ?2 AND id = ?3")?;
    for Change { row: (kind, region, id), text } in changes {
        match text {
            Some(text) => replace.execute(params![kind, region, id, text])?,
            None => remove.execute(params![kind, region, id])?,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_synced() {
        let folder = std::env::temp_dir().join(format!("havip-store-{}", std::process::id()));
        make_private(&folder).unwrap();
        let mut connection = Connection::open(folder.join("havip.sqlite3")).unwrap();
        prepare(&mut connection).unwrap();
        let asked = |name: &str| {
            connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
        };
        assert_eq!(asked("journal_mode"), rusqlite::types::Value::Text("wal".to_owned()));
        // FULL: of SQLite's levels the one that syncs the log at each commit; NORMAL, 1, may lose the last of them.
        assert_eq!(asked("synchronous"), rusqlite::types::Value::Integer(2));
        drop(connection);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
