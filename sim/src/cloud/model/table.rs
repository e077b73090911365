//! Objects of one kind, in the order in which they were made, and what of them has changed.

use std::collections::{BTreeMap, BTreeSet};

/// What a table holds.
pub trait Object: Clone {
    /// Its id.
    fn id(&self) -> &str;
    /// Its place in the order in which everything was made.
    fn number(&self) -> u64;
}

/// Objects by id, listed in the order in which they were made.
#[derive(Clone, Debug)]
pub struct Table<T> {
    rows: BTreeMap<u64, T>,
    by_id: BTreeMap<String, u64>,
    changed: BTreeSet<String>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table::new()
    }
}

impl<T> Table<T> {
    /// Nothing.
    pub const fn new() -> Self {
        Table { rows: BTreeMap::new(), by_id: BTreeMap::new(), changed: BTreeSet::new() }
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<T: Object> Table<T> {
    /// An object by its id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.by_id.get(id)?)
    }
    /// An object by its number.
    pub fn at(&self, number: u64) -> Option<&T> {
        self.rows.get(&number)
    }
    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }
    /// The highest number of all.
    pub(super) fn last_number(&self) -> u64 {
        self.rows.last_key_value().map_or(0, |(&number, _)| number)
    }
    /// The oldest.
    pub(super) fn oldest(&self) -> Option<&T> {
        self.rows.values().next()
    }

    /// An object to be changed.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let row = self.rows.get_mut(self.by_id.get(id)?)?;
        if !self.changed.contains(id) {
            self.changed.insert(id.to_owned());
        }
        Some(row)
    }
    pub(super) fn insert(&mut self, object: T) {
        self.changed.insert(object.id().to_owned());
        self.put(object);
    }
    /// Puts in what is stored already, if neither its id nor its number is taken.
    pub(super) fn restore(&mut self, object: T) -> bool {
        let is_new = !self.by_id.contains_key(object.id()) && !self.rows.contains_key(&object.number());
        if is_new {
            self.put(object);
        }
        is_new
    }
    fn put(&mut self, object: T) {
        self.by_id.insert(object.id().to_owned(), object.number());
        self.rows.insert(object.number(), object);
    }
    pub(super) fn remove(&mut self, id: &str) -> Option<T> {
        let number = self.by_id.remove(id)?;
        self.changed.insert(id.to_owned());
        self.rows.remove(&number)
    }
    /// The ids of what was changed since this was asked last.
    pub(super) fn take_changed(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }
}
