//! A CloudWatch dashboard's custom widget asks for its content (CloudWatch user guide, "Details
//! about custom widgets").

use serde_json::Value;

/// What the widget's reader sees it with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Widget {
    /// Whether the dashboard is dark; `None` if it does not say.
    pub is_dark: Option<bool>,
    /// The reader's time, in minutes east of UTC.
    pub offset: i32,
}

/// The furthest from UTC that a place's time is.
const FURTHEST: i64 = 14 * 60;

impl Widget {
    /// Reads a payload; `None` if it is something else. CloudWatch merges the widget's parameters
    /// into it, which anybody who edits the dashboard can set. So they decide nothing, whatever
    /// they look like.
    pub fn read(payload: &Value) -> Option<Self> {
        let context = payload.get("widgetContext").filter(|context| context.is_object())?;
        let is_dark = match context["theme"].as_str() {
            Some("dark") => Some(true),
            Some("light") => Some(false),
            _ => None,
        };
        let offset = context["timezone"]["offsetInMinutes"].as_i64();
        let offset = offset.filter(|minutes| (-FURTHEST..=FURTHEST).contains(minutes));
        Some(Self { is_dark, offset: offset.map_or(0, |minutes| minutes as i32) })
    }
}

/// Whether CloudWatch asks what the widget is: `{"describe": true}`.
pub fn is_describe(payload: &Value) -> bool {
    payload["describe"] == true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_widget_says_how_its_reader_sees_it() {
        let read =
            |context: Value| Widget::read(&json!({"widgetContext": context, "action": "plan"}));
        let of = |is_dark, offset| Some(Widget { is_dark, offset });
        let zone = |minutes: Value| json!({"timezone": {"offsetInMinutes": minutes}});
        for (context, expected) in [
            (json!({}), of(None, 0)),
            (json!({"theme": "dark"}), of(Some(true), 0)),
            (json!({"theme": "light"}), of(Some(false), 0)),
            (json!({"theme": ["dark"]}), of(None, 0)),
            (zone(json!(-210)), of(None, -210)),
            (zone(json!(840)), of(None, 840)),
            (zone(json!(841)), of(None, 0)),
            (zone(json!(-841)), of(None, 0)),
            (zone(json!(i64::MIN)), of(None, 0)),
            (json!([]), None),
            (json!("odd"), None),
        ] {
            assert_eq!(read(context.clone()), expected, "{context}");
        }
        assert_eq!(Widget::read(&json!({"action": "plan"})), None);
    }

    #[test]
    fn only_true_asks_for_a_description() {
        assert!(is_describe(&json!({"describe": true})));
        for other in [json!({"describe": false}), json!({"describe": "true"}), json!({})] {
            assert!(!is_describe(&other), "{other}");
        }
    }
}
