//! CloudWatch's embedded metric format: log lines from which CloudWatch Logs makes metrics, without
//! a call to any API (CloudWatch user guide, "Specification: Embedded metric format").

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "EcsIpv6Targets";

/// The most values that one line may give of one metric (the specification, "Target members").
const VALUES: usize = 100;

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Durations in milliseconds.
    Milliseconds,
    /// Long durations.
    Seconds,
}

/// A metric and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, which is stable, because alarms refer to it.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// The values, one or several.
    pub values: Vec<u64>,
}

/// The lines that give these metrics one set of dimensions: one, unless there are very many values;
/// none without metrics.
pub fn lines(at: SystemTime, dimensions: &[(&str, &str)], metrics: &[Metric]) -> Vec<String> {
    let longest = metrics.iter().map(|metric| metric.values.len()).max().unwrap_or(0);
    (0..longest.div_ceil(VALUES))
        .map(|part| {
            let parts = metrics.iter().filter_map(|metric| {
                let values = metric.values.chunks(VALUES).nth(part)?;
                Some((metric.name, metric.unit, values))
            });
            line(at, dimensions, &parts.collect::<Vec<_>>())
        })
        .collect()
}

/// The line carries no level: Lambda's own filter treats it as INFO (Lambda developer guide,
/// "Log-level filtering").
fn line(at: SystemTime, dimensions: &[(&str, &str)], metrics: &[(&str, Unit, &[u64])]) -> String {
    let definition =
        |(name, unit, _): &(&str, Unit, &[u64])| json!({"Name": name, "Unit": format!("{unit:?}")});
    let keys: Vec<&str> = dimensions.iter().map(|(key, _)| *key).collect();
    let mut root = Map::new();
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [keys],
                "Metrics": metrics.iter().map(definition).collect::<Vec<_>>(),
            }],
        }),
    );
    for (key, value) in dimensions {
        root.insert((*key).to_owned(), json!(value));
    }
    for (name, _, values) in metrics {
        root.insert(
            (*name).to_owned(),
            if let [value] = values { json!(value) } else { json!(values) },
        );
    }
    Value::Object(root).to_string()
}
