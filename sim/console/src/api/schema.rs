//! Types of parameters, and how a request's fields become them: from JSON, or from the fields of a query.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::gate::Fault;

/// What a parameter is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number, not negative; its digits in quotes are taken too.
    Int,
    /// True or false.
    Bool,
    /// Several texts.
    Texts,
    /// One object.
    Object(&'static [Field]),
    /// Several objects.
    Objects(&'static [Field]),
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// A request without it is refused.
    pub required: bool,
    /// It has an effect here; the others are known, and taken for what they are by default.
    pub used: bool,
}

/// A parameter that has an effect.
pub const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, used: true }
}
/// A parameter that must be there.
pub const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true, used: true }
}
/// A parameter of the real service that has no effect here.
pub const fn without_effect(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, used: false }
}

/// A request's parameters, each of its type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(Map<String, Value>);

impl Params {
    /// A text, if it is there and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
    /// A text, empty where it is not there.
    pub fn text_or_empty(&self, name: &str) -> String {
        self.0.get(name).and_then(Value::as_str).unwrap_or("").to_owned()
    }
    /// A number.
    pub fn int(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }
    /// True or false.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }
    /// Several texts.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let all = self.0.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        all.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect()
    }
    /// Several objects.
    pub fn objects(&self, name: &str) -> Vec<Params> {
        let all = self.0.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        all.iter().filter_map(|one| Some(Params(one.as_object()?.clone()))).collect()
    }
    /// Whether a parameter is there.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
    /// All of it but one parameter, as text: what a client token is held against.
    pub fn without(&self, name: &str) -> String {
        let mut rest = self.0.clone();
        rest.remove(name);
        Value::Object(rest).to_string()
    }
}

/// Parameters from a JSON object.
pub fn from_json(fields: &'static [Field], body: &Value) -> Result<Params, Fault> {
    object(fields, body, "").map(Params)
}

fn object(fields: &'static [Field], value: &Value, path: &str) -> Result<Map<String, Value>, Fault> {
    let given = value.as_object().ok_or_else(|| Fault::mistyped(path.trim_end_matches('.')))?;
    let mut read = Map::new();
    for (name, value) in given {
        let full = format!("{path}{name}");
        let field = fields.iter().find(|field| field.name == name).ok_or_else(|| Fault::unknown(&full))?;
        if !value.is_null() {
            read.insert(name.clone(), typed(field.kind, value, &full)?);
        }
    }
    for field in fields.iter().filter(|field| field.required) {
        if !read.contains_key(field.name) {
            return Err(Fault::missing(&format!("{path}{}", field.name)));
        }
    }
    Ok(read)
}

fn typed(kind: Kind, value: &Value, name: &str) -> Result<Value, Fault> {
    let wrong = || Fault::mistyped(name);
    match kind {
        Kind::Text => value.as_str().map(Value::from).ok_or_else(wrong),
        Kind::Int => {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
            number.map(Value::from).ok_or_else(|| match value.as_i64() {
                Some(_) => Fault::new(
                    "InvalidParameterValue.Range",
                    format!("The value of the parameter `{name}` is out of range."),
                ),
                None => wrong(),
            })
        }
        Kind::Bool => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true.into()),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false.into()),
            _ => Err(wrong()),
        },
        Kind::Object(fields) => object(fields, value, &format!("{name}.")).map(Value::Object),
        Kind::Texts | Kind::Objects(_) => {
            let items = value.as_array().ok_or_else(wrong)?;
            let item = |(i, one): (usize, &Value)| match kind {
                Kind::Objects(fields) => object(fields, one, &format!("{name}.{i}.")).map(Value::Object),
                _ => typed(Kind::Text, one, &format!("{name}.{i}")),
            };
            items.iter().enumerate().map(item).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
    }
}

/// Parameters from `Filters.0.Name=vip&Filters.0.Values.0=10.0.0.5`.
pub fn from_pairs(fields: &'static [Field], text: &str, most: usize) -> Result<Params, Fault> {
    let mut root = Tree::default();
    for (n, (name, value)) in pairs(text).enumerate() {
        if n >= most {
            return Err(Fault::new("InvalidParameter", "The request has too many parameters."));
        }
        let mut place = &mut root;
        for part in name.split('.').take(8) {
            place = place.children.entry(part.to_owned()).or_default();
        }
        place.leaf = Some(value);
    }
    branch(fields, &root, "").map(Params)
}

/// What the fields of a query make, before their types are known.
#[derive(Debug, Default)]
struct Tree {
    leaf: Option<String>,
    children: BTreeMap<String, Tree>,
}

impl Tree {
    /// Its children that are numbered, in the order of the numbers.
    fn items(&self) -> Option<Vec<&Tree>> {
        let mut items: Vec<(u32, &Tree)> = Vec::new();
        for (name, child) in &self.children {
            items.push((name.parse().ok()?, child));
        }
        items.sort_by_key(|&(i, _)| i);
        Some(items.into_iter().map(|(_, child)| child).collect())
    }
}

fn branch(fields: &'static [Field], tree: &Tree, path: &str) -> Result<Map<String, Value>, Fault> {
    let mut read = Map::new();
    for (name, child) in &tree.children {
        let full = format!("{path}{name}");
        let field = fields.iter().find(|field| field.name == name).ok_or_else(|| Fault::unknown(&full))?;
        let wrong = || Fault::mistyped(&full);
        let value = match field.kind {
            Kind::Text | Kind::Int | Kind::Bool => {
                let leaf = child.leaf.as_ref().filter(|_| child.children.is_empty()).ok_or_else(wrong)?;
                typed(field.kind, &Value::from(leaf.as_str()), &full)?
            }
            Kind::Texts => {
                let texts = child.items().ok_or_else(wrong)?;
                let text = |one: &Tree| one.leaf.clone().map(Value::from).ok_or_else(wrong);
                texts.into_iter().map(text).collect::<Result<Vec<_>, _>>()?.into()
            }
            Kind::Object(inner) => Value::Object(branch(inner, child, &format!("{full}."))?),
            Kind::Objects(inner) => {
                let items = child.items().ok_or_else(wrong)?;
                let one = |(i, item): (usize, &Tree)| branch(inner, item, &format!("{full}.{i}."));
                let items = items.into_iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()?;
                items.into_iter().map(Value::Object).collect::<Vec<_>>().into()
            }
        };
        read.insert(name.clone(), value);
    }
    for field in fields.iter().filter(|field| field.required) {
        if !read.contains_key(field.name) {
            return Err(Fault::missing(&format!("{path}{}", field.name)));
        }
    }
    Ok(read)
}

/// The fields of a query, decoded.
pub fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(name), decode(value))
    })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match rest.as_slice() {
                [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                    let digit = |c: &u8| char::from(*c).to_digit(16).unwrap_or(0) as u8;
                    bytes.push(digit(a) * 16 + digit(b));
                    rest = rest.as_slice()[2..].iter();
                }
                _ => bytes.push(byte),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    static FILTER: [Field; 2] = [required("Name", Kind::Text), required("Values", Kind::Texts)];
    static FIELDS: [Field; 4] = [
        required("Id", Kind::Text),
        optional("Limit", Kind::Int),
        optional("On", Kind::Bool),
        optional("Filters", Kind::Objects(&FILTER)),
    ];

    fn json(text: &str) -> Result<Params, String> {
        from_json(&FIELDS, &serde_json::from_str(text).unwrap()).map_err(|fault| fault.message)
    }

    #[test]
    fn a_query_means_what_the_same_json_means() {
        let query =
            "Id=a%20b&Limit=20&On=True&Filters.0.Name=vip&Filters.0.Values.0=x&Filters.0.Values.1=y+z";
        let from_query = from_pairs(&FIELDS, query, 100).unwrap();
        let body = r#"{"Id":"a b","Limit":20,"On":true,"Filters":[{"Name":"vip","Values":["x","y z"]}]}"#;
        assert_eq!(from_query, json(body).unwrap());
        assert_eq!(from_query, json(&body.replace("20", "\"20\"")).unwrap());
    }

    #[test]
    fn what_is_wrong_is_said_by_the_name_of_the_parameter() {
        for (body, message) in [
            ("{}", "The request is missing a required parameter `Id`."),
            (r#"{"Id":null}"#, "The request is missing a required parameter `Id`."),
            (r#"{"Id":"a","X":1}"#, "The parameter `X` is not recognized."),
            (r#"{"Id":1}"#, "The value type of parameter `Id` is not valid."),
            (r#"{"Id":"a","Limit":"x"}"#, "The value type of parameter `Limit` is not valid."),
            (r#"{"Id":"a","Limit":-1}"#, "The value of the parameter `Limit` is out of range."),
            (
                r#"{"Id":"a","Filters":[{"Name":"a"}]}"#,
                "The request is missing a required parameter `Filters.0.Values`.",
            ),
            (
                r#"{"Id":"a","Filters":[{"Name":"a","Values":["b"],"Y":1}]}"#,
                "The parameter `Filters.0.Y` is not recognized.",
            ),
            (r#"{"Id":"a","Filters":{"Name":"a"}}"#, "The value type of parameter `Filters` is not valid."),
        ] {
            assert_eq!(json(body), Err(message.to_owned()), "{body}");
        }
        let faults = ["Id=a&X=1", "Id.0=a", "Id=a&Filters.x.Name=b", "Id=a&Limit=ten"];
        assert!(faults.iter().all(|query| from_pairs(&FIELDS, query, 100).is_err()));
    }
}
