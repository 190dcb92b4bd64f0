//! Odd values and texts, to put where something else belongs.

use harness::dice::Dice;
use serde_json::{Map, Number, Value, json};

/// Texts that are odd everywhere, or valid in another place.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "null",
    "true",
    "0",
    "-1",
    "3",
    "8080",
    "a\nb",
    "\r\n",
    "\u{2028}",
    "\u{202e}",
    "ö",
    "目標",
    "\u{1f980}",
    "{}",
    "[]",
    "\"",
    "\\",
    "../..",
    "%00",
    "a b",
    "a/b",
    "a:b",
    "arn:",
    "arn:aws:ecs:::",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "2001:db8::1",
    "2001:DB8:0:0::1",
    "2001:db8::1/64",
    "fe80::1%eth0",
    "[2001:db8::1]",
    "2001:db8:1234:1a00:9691:9503:25ad:1761",
    "10.0.0.1",
    "service:demo-service",
    "service:other-service",
    "family:batch",
    "service:",
    "service:demo-service:2",
    "Service:demo-service",
    "demo-service",
    "RUNNING",
    "STOPPED",
    "DEACTIVATING",
    "PENDING",
    "running",
    "ACTIVATING",
    "DELETED",
    "aws.ecs",
    "aws.events",
    "aws.scheduler",
    "aws:sqs",
    "aws:s3",
    "ECS Task State Change",
    "ECS task state change",
    "Scheduled Event",
    "reconcile",
    "plan",
    "doctor",
    "Reconcile",
    "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e321c974248dbaf4ae2cfa1662986",
    "arn:aws:ecs:us-east-2:123456789012:task/c50e321c974248dbaf4ae2cfa1662986",
    "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/a/b",
    "arn:aws:ecs:us-east-2:123456789012:task/",
    "arn:aws-us-gov:ecs:us-gov-west-1:123456789012:task/demo-cluster/c50e",
    "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster",
    "arn:aws:ecs:us-east-2:123456789012:cluster/other",
    "arn:aws:ecs:eu-west-1:123456789012:cluster/demo-cluster",
    "demo-cluster",
    "default",
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09",
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6",
    "arn:aws:elasticloadbalancing:us-east-2:1234:targetgroup/demo-ipv6/6d0ecf831eec9f09",
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09",
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/net/demo/6d0ecf831eec9f09",
    "arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-0a1b2c3d4e5f60718",
    "2023-05-02T14:20:00Z",
    "2023-05-02T14:20:00.123456789Z",
    "2023-05-02T16:20:00+02:00",
    "2023-05-02 14:20:00Z",
    "2023-05-02t14:20:00z",
    "2023-05-02T14:20:60Z",
    "2023-02-30T14:20:00Z",
    "0000-00-00T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "+262142-12-31T23:59:59Z",
    "-262143-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "1683037174",
    "2023-05-02T14:18:00Z",
    "2023-05-02",
];

/// Keys for renaming and adding: those with a meaning somewhere, and some that are nearly the same.
pub const KEYS: &[&str] = &[
    "action",
    "dryRun",
    "Records",
    "source",
    "detail-type",
    "detail",
    "time",
    "id",
    "resources",
    "version",
    "taskArn",
    "clusterArn",
    "group",
    "lastStatus",
    "desiredStatus",
    "containers",
    "networkInterfaces",
    "ipv6Address",
    "attachments",
    "messageId",
    "eventSource",
    "body",
    "attributes",
    "messageAttributes",
    "cluster",
    "service",
    "family",
    "targetGroupArn",
    "port",
    "",
    "Detail",
    "task_arn",
    "detailType",
    "message_id",
    "ipv6address",
    "a\nb",
];

pub fn text(dice: &mut Dice) -> String {
    match dice.number(0..=40) {
        0 => "a".repeat(dice.pick(&[254, 255, 256, 4000])),
        1 => (0..dice.number(1..=12)).map(|_| any_char(dice)).collect(),
        _ => dice.pick(TEXTS).to_owned(),
    }
}

fn any_char(dice: &mut Dice) -> char {
    char::from_u32(dice.number(0..=0x2fff) as u32).unwrap_or('x')
}

/// An odd number. JSON has no NaN.
pub fn number(dice: &mut Dice) -> Value {
    let float = |float| Number::from_f64(float).map_or(Value::Null, Value::Number);
    match dice.number(0..=14) {
        0 => json!(-1),
        1 => json!(i64::MIN),
        2 => json!(u64::MAX),
        3 => json!(i64::MAX),
        4 => float(1e300),
        5 => float(-0.0),
        6 => float(8080.0),
        7 => float(0.5),
        8 => json!(65_535),
        9 => json!(65_536),
        10 => float(18_446_744_073_709_551_616.0),
        11 => json!(1u64 << 53),
        12 => json!(0),
        _ => json!(dice.number(0..=9)),
    }
}

/// An odd value of any type.
pub fn value(dice: &mut Dice) -> Value {
    match dice.number(0..=11) {
        0 => Value::Null,
        1 => json!(dice.chance(0.5)),
        2 => json!([]),
        3 => json!({}),
        4 => json!([null]),
        5 => deep(dice),
        6 | 7 => number(dice),
        _ => Value::String(text(dice)),
    }
}

/// Nested about as deep as the JSON reader goes, which is 128.
fn deep(dice: &mut Dice) -> Value {
    let arrays = dice.chance(0.5);
    let depth = dice.pick(&[2, 20, 100, 118, 122, 126, 127, 128, 140]);
    // `json!` would serialize the inner value again at every level.
    let wrap = |inner| if arrays { Value::Array(vec![inner]) } else { within("a", inner) };
    (0..depth).fold(Value::Null, |inner, _| wrap(inner))
}

/// An object with this one field.
pub fn within(key: &str, inner: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), inner)]))
}

/// A random JSON value with keys that mean something.
pub fn tree(dice: &mut Dice, depth: usize) -> Value {
    match dice.number(0..=5) {
        0 | 1 if depth > 0 => {
            let fields = (0..dice.number(0..=6))
                .map(|_| (dice.pick(KEYS).to_owned(), tree(dice, depth - 1)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        2 if depth > 0 => {
            Value::Array((0..dice.number(0..=4)).map(|_| tree(dice, depth - 1)).collect())
        }
        _ => value(dice),
    }
}
