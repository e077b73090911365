//! Lists: ids, filters, pages by place (`Offset`, `Limit`) or by what was seen last (`MaxResults`, `NextToken`).

use havip_sim::cloud::model::{Code, Object, Refused, Table, Tag};
use serde_json::Value;

use super::schema::{Field, Kind, Params, optional, required};
use crate::gate::Fault;

/// The fields of a filter.
pub static FILTER: [Field; 2] = [required("Name", Kind::Text), required("Values", Kind::Texts)];
/// The parameter.
pub const FILTERS: Field = optional("Filters", Kind::Objects(&FILTER));

/// How many values a filter has at most.
const VALUES: usize = 5;

/// A filter by its name and what it compares.
pub struct By<T: 'static> {
    /// Its name. One that ends with a colon is the beginning of a name, and what follows stands before its values: `tag:k`
    /// of `v` is compared as [`pair`] writes it.
    pub name: &'static str,
    /// The values of an object that it is held against.
    pub of: fn(&T, &havip_sim::cloud::model::Region) -> Vec<String>,
}

/// A name and a value as they are compared. No text of JSON's that clients send has this letter.
pub fn pair(name: &str, value: &str) -> String {
    format!("{name}\u{0}{value}")
}

/// What the filter `tag:KEY` compares.
pub fn tag_pairs(tags: &[Tag]) -> Vec<String> {
    tags.iter().map(|tag| pair(&tag.key, &tag.value)).collect()
}

/// What the filter `tag-key` compares.
pub fn tag_keys(tags: &[Tag]) -> Vec<String> {
    tags.iter().map(|tag| tag.key.clone()).collect()
}

/// What of a list is asked for.
pub struct Page<'a, T: 'static> {
    params: &'a Params,
    ids: &'static str,
    by: &'static [By<T>],
    /// What the ids name, where that is not the objects themselves.
    named: Option<fn(&T) -> String>,
    /// How many values a filter has at most.
    values: usize,
}

impl<'a, T: Object + 'static> Page<'a, T> {
    /// Of a list that takes ids in a parameter, and these filters.
    pub fn new(params: &'a Params, ids: &'static str, by: &'static [By<T>]) -> Page<'a, T> {
        Page { params, ids, by, named: None, values: VALUES }
    }
    /// The same, whose filters may have so many values.
    pub fn values(self, values: usize) -> Page<'a, T> {
        Page { values, ..self }
    }
    /// The same, whose ids are those of something that each object has one of.
    pub fn named(self, named: fn(&T) -> String) -> Page<'a, T> {
        Page { named: Some(named), ..self }
    }

    /// How many there are, one page of them as they are shown, and what asks for the next page; nothing at the end, nor
    /// of a list that is asked for by places. A page so asked for begins behind the last one that was seen, whatever
    /// came or went in between.
    pub fn in_turn(
        &self,
        region: &havip_sim::cloud::model::Region,
        table: &Table<T>,
        show: impl Fn(&T) -> Value,
    ) -> Result<(usize, Vec<Value>, String), Fault> {
        let Some((after, most)) = turn(self.params)? else {
            return self.of(region, table, show).map(|(count, set)| (count, set, String::new()));
        };
        let found = self.found(region, table)?;
        let mut rest = found.iter().filter(|one| one.number() > after).peekable();
        let mut set = Vec::new();
        let mut last = 0;
        while let Some(one) = rest.next_if(|_| set.len() < most) {
            set.push(show(one));
            last = one.number();
        }
        let next = rest.peek().map_or_else(String::new, |_| format!("{TOKEN}{last:016x}"));
        Ok((found.len(), set, next))
    }

    /// Everything that fits, in the order in which it was made.
    fn found<'t>(
        &self,
        region: &havip_sim::cloud::model::Region,
        table: &'t Table<T>,
    ) -> Result<Vec<&'t T>, Fault> {
        let ids = self.ids()?;
        let filters = self.filters()?;
        if !ids.is_empty() {
            return Ok(self.by_ids(table, &ids));
        }
        Ok(table.iter().filter(|one| fits(*one, region, &filters)).collect())
    }

    /// Ten filters at most; all must fit, one value of each.
    fn filters(&self) -> Result<Chosen<T>, Fault> {
        let given = self.params.objects("Filters");
        if given.len() > 10 {
            return Err(Fault::new("LimitExceeded.NumberOfFilters", "More than 10 filters."));
        }
        let mut read = Vec::new();
        for filter in given {
            let (name, mut values) = (filter.text_or_empty("Name"), filter.texts("Values"));
            let key = |one: &By<T>| name.strip_prefix(one.name).filter(|_| one.name.ends_with(':'));
            let is_it = |one: &&By<T>| match key(one) {
                Some(key) => !key.is_empty(),
                None => one.name == name,
            };
            let one = self.by.iter().find(is_it);
            let one = one.ok_or_else(|| {
                let name: String = name.chars().take(64).collect();
                Fault::new("InvalidParameter.FilterInvalidKey", format!("There is no filter `{name}`."))
            })?;
            if values.len() > self.values {
                let message = format!("The filter `{name}` has more than {} values.", self.values);
                return Err(Refused::new(Code::VALUE_LIMIT, message).into());
            }
            if let Some(key) = key(one) {
                values.iter_mut().for_each(|value| *value = pair(key, value));
            }
            read.push((one.of, values));
        }
        Ok(read)
    }

    /// The ids that are asked for.
    fn ids(&self) -> Result<Vec<String>, Fault> {
        let ids = self.params.texts(self.ids);
        if !ids.is_empty() && self.params.has("Filters") {
            let message = format!("The parameters `{}` and `Filters` cannot be used together.", self.ids);
            return Err(Refused::new(Code::COEXIST, message).into());
        }
        if ids.len() > 100 {
            let message = format!("The parameter `{}` has more than 100 values.", self.ids);
            return Err(Refused::new(Code::VALUE_LIMIT, message).into());
        }
        Ok(ids)
    }

    /// How many there are, and one page of them as they are shown.
    pub fn of(
        &self,
        region: &havip_sim::cloud::model::Region,
        table: &Table<T>,
        show: impl Fn(&T) -> Value,
    ) -> Result<(usize, Vec<Value>), Fault> {
        let filters = self.filters()?;
        let (offset, limit) = window(self.params)?;
        let ids = self.ids()?;
        if !ids.is_empty() {
            let found = self.by_ids(table, &ids);
            let page = found.iter().skip(offset).take(limit).map(|one| show(one)).collect();
            return Ok((found.len(), page));
        }
        if filters.is_empty() {
            let page = table.iter().skip(offset).take(limit).map(&show).collect();
            return Ok((table.len(), page));
        }
        let (mut count, mut page) = (0, Vec::new());
        for one in table.iter() {
            if fits(one, region, &filters) {
                if count >= offset && page.len() < limit {
                    page.push(show(one));
                }
                count += 1;
            }
        }
        Ok((count, page))
    }

    /// The objects of some ids, in the order in which they were made.
    fn by_ids<'t>(&self, table: &'t Table<T>, ids: &[String]) -> Vec<&'t T> {
        if let Some(named) = self.named {
            return table.iter().filter(|one| ids.contains(&named(one))).collect();
        }
        let mut found: Vec<&T> = ids.iter().filter_map(|id| table.get(id)).collect();
        found.sort_by_key(|one| one.number());
        found.dedup_by_key(|one| one.number());
        found
    }
}

fn fits<T>(one: &T, region: &havip_sim::cloud::model::Region, filters: &Chosen<T>) -> bool {
    filters.iter().all(|(of, values)| of(one, region).iter().any(|value| values.contains(value)))
}

/// What every token begins with: people see that it is none of theirs to make.
const TOKEN: &str = "next-";

/// Behind which number a page begins, and how many it has; nothing where it is asked for by its place.
fn turn(params: &Params) -> Result<Option<(u64, usize)>, Fault> {
    let (most, token) = (params.int("MaxResults"), params.text("NextToken"));
    if most.is_none() && token.is_none() {
        return Ok(None);
    }
    if params.has("Offset") || params.has("Limit") {
        let message = "`MaxResults` and `NextToken` cannot be used together with `Offset` and `Limit`.";
        return Err(Refused::new(Code::COEXIST, message).into());
    }
    let most = most.unwrap_or(20);
    if !(1..=100).contains(&most) {
        return Err(Refused::new(Code::RANGE, "The parameter `MaxResults` must be from 1 to 100.").into());
    }
    let number = |token: &str| {
        let digits = token.strip_prefix(TOKEN).filter(|digits| digits.len() == 16)?;
        // `from_str_radix` takes a sign as well.
        let digits = Some(digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u64::from_str_radix(digits, 16).ok()
    };
    let after = token.map_or(Some(0), number);
    let after =
        after.ok_or_else(|| Refused::new(Code::MALFORMED, "The parameter `NextToken` is malformed."))?;
    Ok(Some((after, most as usize)))
}

type Of<T> = fn(&T, &havip_sim::cloud::model::Region) -> Vec<String>;

/// What is compared, and what with.
type Chosen<T> = Vec<(Of<T>, Vec<String>)>;

/// The page: from where, and how many.
pub fn window(params: &Params) -> Result<(usize, usize), Fault> {
    let limit = params.int("Limit").unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Refused::new(Code::RANGE, "The parameter `Limit` must be from 1 to 100.").into());
    }
    let offset = usize::try_from(params.int("Offset").unwrap_or(0)).unwrap_or(usize::MAX);
    Ok((offset, limit as usize))
}
