//! Damage: to the structure of a document, and to its text.

use harness::dice::Dice;
use serde_json::{Map, Value, json};

use crate::odd_values;

/// The places that decide something, as JSON pointers. Much of the damage is done there.
const PLACES: &[&str] = &[
    "/source",
    "/detail-type",
    "/time",
    "/detail",
    "/id",
    "/resources",
    "/action",
    "/targetGroupArn",
    "/dryRun",
    "/detail/taskArn",
    "/detail/clusterArn",
    "/detail/group",
    "/detail/version",
    "/detail/lastStatus",
    "/detail/desiredStatus",
    "/detail/updatedAt",
    "/detail/containers",
    "/detail/containers/0",
    "/detail/containers/0/networkInterfaces",
    "/detail/containers/0/networkInterfaces/0",
    "/detail/containers/0/networkInterfaces/0/ipv6Address",
    "/Records",
    "/Records/0",
    "/Records/0/messageId",
    "/Records/0/eventSource",
    "/Records/0/body",
    "/Records/1/messageId",
    "/Records/1/body",
    "/Records/0/attributes",
    "/0",
    "/1",
    "/0/cluster",
    "/0/service",
    "/0/family",
    "/0/targetGroupArn",
    "/0/port",
    "/1/port",
    "/1/targetGroupArn",
];

/// Damages a document in one place. `others` are documents to take pieces from.
pub fn structure(dice: &mut Dice, document: &mut Value, others: &[Value]) {
    if dice.chance(0.5) && inside_a_body(dice, document, others) {
        return;
    }
    match dice.number(0..=11) {
        0..=2 => *place(dice, document) = odd_values::value(dice),
        3 => *place(dice, document) = piece(dice, others),
        4 => {
            let place = place(dice, document);
            *place = retyped(dice, place.take());
        }
        5 => {
            let place = place(dice, document);
            edit(dice, place);
        }
        6 => {
            let place = place(dice, document);
            let inner = place.take();
            let array = dice.chance(0.5);
            *place =
                if array { Value::Array(vec![inner]) } else { odd_values::within("detail", inner) };
        }
        7 | 8 => drop_child(dice, document),
        9 => rename_child(dice, document),
        10 => double_child(dice, document),
        _ => add_child(dice, document, others),
    }
}

pub fn text(dice: &mut Dice, text: &mut Vec<u8>) {
    let at = dice.number(0..=text.len());
    let end = text.len().min(at + dice.number(1..=8));
    match dice.number(0..=6) {
        0 => text.truncate(at),
        1 => drop(text.drain(at..end)),
        2 => {
            let copy = text[at..end].to_vec();
            let to = dice.number(0..=text.len());
            text.splice(to..to, copy);
        }
        3 => {
            let inserted = dice.pick(&[
                "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "e", "-", "\u{7f}", "\\u0000",
                "\\ud800",
            ]);
            text.splice(at..at, inserted.bytes());
        }
        4 => {
            // A key twice in one object, of which the last one counts.
            let Some(brace) = text.iter().skip(at).position(|byte| *byte == b'{') else { return };
            let at = at + brace + 1;
            let field =
                format!("{}:{},", json!(dice.pick(odd_values::KEYS)), odd_values::value(dice));
            text.splice(at..at, field.bytes());
        }
        _ => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << dice.number(0..=7);
            }
        }
    }
}

/// Damages the body of an SQS message; false if there is none.
fn inside_a_body(dice: &mut Dice, document: &mut Value, others: &[Value]) -> bool {
    let Some(records) = document.get_mut("Records").and_then(Value::as_array_mut) else {
        return false;
    };
    if records.is_empty() {
        return false;
    }
    let record = dice.number(0..=records.len() - 1);
    let Some(Value::String(body)) = records[record].get_mut("body") else { return false };
    if let (Ok(mut inner), true) = (serde_json::from_str(body), dice.chance(0.8)) {
        structure(dice, &mut inner, others);
        *body = inner.to_string();
    } else {
        let mut bytes = std::mem::take(body).into_bytes();
        text(dice, &mut bytes);
        *body = String::from_utf8_lossy(&bytes).into_owned();
    }
    true
}

fn place<'v>(dice: &mut Dice, document: &'v mut Value) -> &'v mut Value {
    let known = dice.pick(PLACES);
    if dice.chance(0.6) && document.pointer(known).is_some() {
        return document.pointer_mut(known).expect("it was just there");
    }
    descend(dice, document, false)
}

/// Descends to a random place; with `container`, not to a leaf.
fn descend<'v>(dice: &mut Dice, value: &'v mut Value, container: bool) -> &'v mut Value {
    let size = size(value);
    if size == 0 || dice.chance(0.15) {
        return value;
    }
    let child = dice.number(0..=size - 1);
    if container && nth(value, child).is_none_or(|child| self::size(child) == 0) {
        return value;
    }
    match value {
        Value::Object(fields) => {
            descend(dice, fields.values_mut().nth(child).expect("within its size"), container)
        }
        Value::Array(items) => descend(dice, &mut items[child], container),
        leaf => leaf,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    }
}

fn nth(value: &Value, child: usize) -> Option<&Value> {
    match value {
        Value::Object(fields) => fields.values().nth(child),
        Value::Array(items) => items.get(child),
        _ => None,
    }
}

/// A random piece of a random document.
fn piece(dice: &mut Dice, others: &[Value]) -> Value {
    let mut value = &others[dice.number(0..=others.len() - 1)];
    while size(value) > 0 && !dice.chance(0.15) {
        let child = dice.number(0..=size(value) - 1);
        value = nth(value, child).unwrap_or(value);
    }
    value.clone()
}

/// The value in another type.
fn retyped(dice: &mut Dice, value: Value) -> Value {
    match value {
        Value::Object(fields) => in_a_row(dice, fields),
        Value::Array(items) => {
            let keys =
                items.iter().map(|_| dice.pick(odd_values::KEYS).to_owned()).collect::<Vec<_>>();
            Value::Object(keys.into_iter().zip(items).collect())
        }
        Value::String(text) => {
            text.parse::<u64>().map_or_else(|_| json!([text]), |number| json!(number))
        }
        Value::Null => json!(""),
        other => Value::String(other.to_string()),
    }
}

/// The values of an object without their keys, in random order. A reader that goes by position
/// would accept them.
fn in_a_row(dice: &mut Dice, fields: Map<String, Value>) -> Value {
    let mut values: Vec<Value> = fields.into_iter().map(|(_, value)| value).collect();
    let last = values.len().saturating_sub(1);
    for place in 0..values.len().min(7) {
        values.swap(place, dice.number(place..=last));
    }
    Value::Array(values)
}

/// A small change to a text or a number.
fn edit(dice: &mut Dice, value: &mut Value) {
    match value {
        Value::String(text) => {
            let mut chars: Vec<char> = text.chars().collect();
            let at = dice.number(0..=chars.len());
            match dice.number(0..=4) {
                0 => chars.truncate(at),
                1 => chars
                    .insert(at, dice.pick(&[':', '/', '-', ' ', '0', 'a', '\n', 'é', '.', '"'])),
                2 if at < chars.len() => drop(chars.remove(at)),
                3 => chars = text.to_ascii_uppercase().chars().collect(),
                _ if at < chars.len() => chars[at] = dice.pick(&['0', 'f', ':', 'Z', '-', '_']),
                _ => {}
            }
            *text = chars.into_iter().collect();
        }
        Value::Number(number) => {
            let small = number.as_i64().unwrap_or_default();
            *value = match dice.number(0..=3) {
                0 => json!(small.saturating_neg()),
                1 => json!(small.saturating_add(1)),
                2 => json!(small.saturating_mul(1_000_003)),
                _ => odd_values::number(dice),
            };
        }
        other => *other = odd_values::value(dice),
    }
}

fn drop_child(dice: &mut Dice, document: &mut Value) {
    let place = descend(dice, document, true);
    let size = size(place);
    match place {
        Value::Object(fields) if size > 0 => {
            let key = fields.keys().nth(dice.number(0..=size - 1)).cloned();
            key.and_then(|key| fields.remove(&key));
        }
        Value::Array(items) if size > 0 => drop(items.remove(dice.number(0..=size - 1))),
        other => *other = Value::Null,
    }
}

fn rename_child(dice: &mut Dice, document: &mut Value) {
    let Value::Object(fields) = descend(dice, document, true) else { return };
    let Some(last) = fields.len().checked_sub(1) else { return };
    let key = fields.keys().nth(dice.number(0..=last)).cloned();
    if let Some(value) = key.and_then(|key| fields.remove(&key)) {
        fields.insert(dice.pick(odd_values::KEYS).to_owned(), value);
    }
}

fn double_child(dice: &mut Dice, document: &mut Value) {
    let place = descend(dice, document, true);
    let Some(last) = size(place).checked_sub(1) else { return };
    let Some(copy) = nth(place, dice.number(0..=last)).cloned() else { return };
    match place {
        Value::Object(fields) => drop(fields.insert(dice.pick(odd_values::KEYS).to_owned(), copy)),
        Value::Array(items) => items.insert(dice.number(0..=last), copy),
        _ => {}
    }
}

fn add_child(dice: &mut Dice, document: &mut Value, others: &[Value]) {
    let added = if dice.chance(0.5) { piece(dice, others) } else { odd_values::value(dice) };
    match descend(dice, document, true) {
        Value::Object(fields) => drop(fields.insert(dice.pick(odd_values::KEYS).to_owned(), added)),
        Value::Array(items) => items.push(added),
        leaf => *leaf = added,
    }
}
