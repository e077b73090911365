//! What is stored of a model: rows, and a model of them again.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ids::Ids;
use super::objects::{Task, TaskState, Token};
use super::region::Region;
use super::table::{Object, Table};
use super::{Limits, Model, is_region};
use crate::cloud::Binding;

/// Which object a row is: its kind, its region and its id.
pub type Row = (&'static str, String, String);

/// A row as it is from now on; without a text it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub row: Row,
    /// The object, as JSON.
    pub text: Option<String>,
}

/// Rows that make no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored {kind} {id} cannot be read: {why}")]
pub struct Corrupt {
    kind: String,
    id: String,
    why: String,
}

/// The row of the counter of ids.
const COUNTER: &str = "counter";

fn changes<T: Object + Serialize>(
    table: &mut Table<T>,
    kind: &'static str,
    region: &str,
    to: &mut Vec<Change>,
) {
    for id in table.take_changed() {
        let text = table.get(&id).and_then(|object| serde_json::to_string(object).ok());
        to.push(Change { row: (kind, region.to_owned(), id), text });
    }
}

fn all<T: Object + Serialize>(table: &Table<T>, kind: &'static str, region: &str, to: &mut Vec<Change>) {
    for object in table.iter() {
        let text = serde_json::to_string(object).ok();
        to.push(Change { row: (kind, region.to_owned(), object.id().to_owned()), text });
    }
}

fn read<T: DeserializeOwned>(kind: &str, id: &str, text: &str) -> Result<T, Corrupt> {
    serde_json::from_str(text).map_err(|error| Corrupt {
        kind: kind.to_owned(),
        id: id.to_owned(),
        why: error.to_string(),
    })
}

impl Model {
    /// What has changed since this was asked last. Rows that are written together leave no half change.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut list = Vec::new();
        for (name, region) in &mut self.regions {
            changes(&mut region.vpcs, "vpc", name, &mut list);
            changes(&mut region.subnets, "subnet", name, &mut list);
            changes(&mut region.enis, "eni", name, &mut list);
            changes(&mut region.cvms, "cvm", name, &mut list);
            changes(&mut region.havips, "havip", name, &mut list);
            changes(&mut region.eips, "eip", name, &mut list);
            changes(&mut region.refused, "refused", name, &mut list);
        }
        changes(&mut self.tasks, "task", "", &mut list);
        changes(&mut self.tokens, "token", "", &mut list);
        let changed = std::mem::take(&mut self.changed_limits);
        list.extend(changed.into_iter().map(|name| self.quota(name)));
        if std::mem::take(&mut self.ids.changed) {
            list.push(self.counter());
        }
        list
    }

    /// Everything, as rows.
    pub fn rows(&self) -> Vec<Change> {
        let mut list = Vec::new();
        for (name, region) in &self.regions {
            all(&region.vpcs, "vpc", name, &mut list);
            all(&region.subnets, "subnet", name, &mut list);
            all(&region.enis, "eni", name, &mut list);
            all(&region.cvms, "cvm", name, &mut list);
            all(&region.havips, "havip", name, &mut list);
            all(&region.eips, "eip", name, &mut list);
            all(&region.refused, "refused", name, &mut list);
        }
        all(&self.tasks, "task", "", &mut list);
        all(&self.tokens, "token", "", &mut list);
        let limits = Limits::ALL.iter().map(|limit| self.quota(limit.name));
        list.extend(limits.filter(|row| row.text.is_some()));
        list.push(self.counter());
        list
    }

    /// A limit, where it is another than it is by default.
    fn quota(&self, name: &'static str) -> Change {
        let value = self.limits.get(name).filter(|value| Limits::default().get(name) != Some(*value));
        Change { row: ("limit", String::new(), name.to_owned()), text: value.map(|value| value.to_string()) }
    }

    fn counter(&self) -> Change {
        let text = format!("[{},{}]", self.ids.seed, self.ids.next);
        Change { row: (COUNTER, String::new(), COUNTER.to_owned()), text: Some(text) }
    }

    /// A model of stored rows: kind, region, id, text. Without a counter among them it is a new one of that seed.
    pub fn load<'a>(
        seed: u64,
        rows: impl IntoIterator<Item = (&'a str, &'a str, &'a str, &'a str)>,
    ) -> Result<Model, Corrupt> {
        let mut model = Model::new(seed);
        for (kind, region, id, text) in rows {
            model.restore(kind, region, id, text)?;
        }
        model.index();
        Ok(model)
    }

    fn restore(&mut self, kind: &str, region: &str, id: &str, text: &str) -> Result<(), Corrupt> {
        let corrupt = |why: &str| Corrupt { kind: kind.to_owned(), id: id.to_owned(), why: why.to_owned() };
        let is_new = match kind {
            COUNTER => {
                let [seed, next]: [u64; 2] = read(kind, id, text)?;
                self.ids = Ids::new(seed, next);
                true
            }
            "limit" => {
                let (value, default) = (read(kind, id, text)?, Limits::default().get(id));
                let is_new = self.limits.get(id) == default;
                if default.is_none() || !self.limits.set(id, value) {
                    return Err(corrupt("there is no such limit"));
                }
                is_new
            }
            "task" => self.tasks.restore(read::<Task>(kind, id, text)?),
            "token" => self.tokens.restore(read::<Token>(kind, id, text)?),
            _ => {
                let here = self.regions.get_mut(region).filter(|_| is_region(region));
                let here = here.ok_or_else(|| corrupt("there is no such region"))?;
                match kind {
                    "vpc" => here.vpcs.restore(read(kind, id, text)?),
                    "subnet" => here.subnets.restore(read(kind, id, text)?),
                    "eni" => here.enis.restore(read(kind, id, text)?),
                    "cvm" => here.cvms.restore(read(kind, id, text)?),
                    "havip" => here.havips.restore(read(kind, id, text)?),
                    "eip" => here.eips.restore(read(kind, id, text)?),
                    "refused" => here.refused.restore(read(kind, id, text)?),
                    _ => return Err(corrupt("there is no such kind")),
                }
            }
        };
        if is_new { Ok(()) } else { Err(corrupt("its id or its number comes twice")) }
    }

    /// Makes the indices of what was restored.
    fn index(&mut self) {
        for region in self.regions.values_mut() {
            region.index();
            self.public.extend(region.eips.iter().map(|eip| eip.address));
        }
        // Whatever the counter says: no number is given twice.
        let tables = self.regions.values().map(Region::last_number);
        let last = tables.chain([self.tasks.last_number(), self.tokens.last_number()]).max();
        self.ids.next = self.ids.next.max(last.unwrap_or(0));
        let running = self.tasks.iter().filter(|task| task.state == TaskState::Running);
        self.running = running.map(|task| (task.due, task.number)).collect();
    }
}

impl Region {
    fn last_number(&self) -> u64 {
        let (vpcs, subnets) = (self.vpcs.last_number(), self.subnets.last_number());
        let (enis, cvms) = (self.enis.last_number(), self.cvms.last_number());
        let (havips, eips) = (self.havips.last_number(), self.eips.last_number());
        vpcs.max(subnets).max(enis).max(cvms).max(havips).max(eips).max(self.refused.last_number())
    }

    fn index(&mut self) {
        let enis: Vec<_> =
            self.enis.iter().map(|e| (e.subnet.clone(), e.id.clone(), e.addresses.clone())).collect();
        for (subnet, id, addresses) in enis {
            addresses.iter().for_each(|one| self.take(&subnet, one.address, "ENI", &id));
        }
        let havips: Vec<_> = self
            .havips
            .iter()
            .map(|h| (h.id.clone(), h.vpc.clone(), h.subnet.clone(), h.vip, h.eni.clone()))
            .collect();
        for (id, vpc, subnet, vip, eni) in havips {
            self.take(&subnet, vip, "HAVIP", &id);
            *self.havips_of.entry(vpc).or_default() += 1;
            let bound = eni.and_then(|eni| self.enis.get(&eni)).map(|eni| eni.number);
            self.bindings.insert(id, Binding::new(bound));
        }
    }
}
