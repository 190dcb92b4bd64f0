//! Reads JSON that the grammar (RFC 8259) allows and serde_json refuses: very deep nesting, halves
//! of surrogate pairs, numbers out of range. What cannot be represented is lost.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// The value of a text, with null for what cannot be represented; none if the text is not JSON.
pub fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().map(value)
}

fn value(raw: &RawValue) -> Value {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => serde_json::from_str::<BTreeMap<String, &RawValue>>(text)
            .map(|fields| fields.into_iter().map(|(name, raw)| (name, value(raw))).collect()),
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text)
            .map(|items| items.into_iter().map(value).collect()),
        _ => serde_json::from_str(text),
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_represented_is_null_and_the_rest_is_there() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for odd in [r#""\ud800""#, "1e999", r#"{"\udfff": 1}"#] {
            let text = format!(r#"{{"a": [{odd}, 1], "b": "é", "c": {deep}}}"#);
            let value = read(&text).unwrap();
            assert_eq!((&value["a"], &value["b"]), (&json!([null, 1]), &json!("é")));
            assert!(value["c"][0][0].is_array());
        }
        assert_eq!(read("{"), None);
    }
}
