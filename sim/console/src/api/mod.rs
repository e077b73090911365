//! The actions: what each takes, what it gives, and what it does.

mod coverage;
mod eip;
mod eni;
mod list;
pub mod schema;
mod tables;
mod tasks;
mod view;
mod vip;
mod vpc;

use havip::time::Time;
use havip_sim::cloud::model::{Model, Refused, Tag};
use serde_json::{Map, Value};

use crate::gate::Fault;
pub use coverage::coverage;
use schema::{Field, Params};
pub use tables::ACTIONS;

/// An action of the API.
#[derive(Debug)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// Its API's version.
    pub version: &'static str,
    /// What it takes.
    pub request: &'static [Field],
    /// What it gives, and what is in it: the field, and the fields of its objects.
    pub response: &'static [(&'static str, &'static [&'static str])],
    /// What it does.
    pub run: fn(&mut Model, &Call<'_>) -> Reply,
}

/// What an action gives.
pub type Reply = Result<Map<String, Value>, Fault>;

/// A request, verified and typed.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its action.
    pub action: &'static str,
    /// Where.
    pub region: &'a str,
    /// With what.
    pub params: &'a Params,
    /// Its id.
    pub request: &'a str,
    /// When.
    pub now: Time,
}

impl Call<'_> {
    fn id(&self, name: &str) -> &str {
        self.params.text(name).unwrap_or("")
    }
    fn tags(&self) -> Vec<Tag> {
        let tag = |one: Params| Tag { key: one.text_or_empty("Key"), value: one.text_or_empty("Value") };
        self.params.objects("Tags").into_iter().map(tag).collect()
    }

    /// Makes something once, however often the request is sent with its client token.
    fn once(
        &self,
        model: &mut Model,
        make: impl FnOnce(&mut Model) -> Result<(Vec<String>, Option<u64>), Refused>,
    ) -> Result<(Vec<String>, Option<u64>), Refused> {
        let Some(token) = self.params.text("ClientToken") else { return make(model) };
        let asked = self.params.without("ClientToken");
        if let Some(before) = model.made_before(self.region, self.action, token, &asked)? {
            let (made, task) = (before.made.clone(), before.task);
            if let Some(task) = task {
                model.repeat_task(self.now, self.region, self.request, task);
            }
            return Ok((made, task));
        }
        let (made, task) = make(model)?;
        model.remember(self.region, self.action, token, &asked, made.clone(), task);
        Ok((made, task))
    }
}

/// Nothing but the request's id.
fn nothing() -> Map<String, Value> {
    Map::new()
}

/// Some fields.
fn fields<const N: usize>(all: [(&str, Value); N]) -> Map<String, Value> {
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
