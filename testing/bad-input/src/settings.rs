//! Settings: drawn, damaged, and judged by rules of their own.

use std::collections::BTreeSet;

use ecs_ipv6_targets::config::Config;
use ecs_ipv6_targets::config::error::ConfigError;
use ecs_ipv6_targets::core::binding::{Binding, Owner};
use ecs_ipv6_targets::core::drift::Prune;
use harness::dice::Dice;
use serde_json::{Map, Value, json};

use crate::judge::Verdict;
use crate::{mutate, odd, rules};

/// The environment as far as it is read here.
#[derive(Debug)]
pub struct Settings {
    region: Option<String>,
    bindings: Option<String>,
    prune: Option<String>,
    dry_run: Option<String>,
    /// Whether the text was damaged beyond its structure; a key may then stand there twice.
    text_is_damaged: bool,
}

impl Settings {
    /// Draws settings, most of them with something wrong.
    pub fn draw(dice: &mut Dice, others: &[Value]) -> Self {
        let mut bindings = match dice.number(0..=19) {
            0 => odd::tree(dice, 4),
            _ => Value::Array((0..dice.number(1..=4)).map(|_| binding(dice)).collect()),
        };
        for _ in 0..dice.pick(&[0, 0, 1, 1, 1, 2, 3]) {
            mutate::structure(dice, &mut bindings, others);
        }
        let mut text = bindings.to_string().into_bytes();
        let text_is_damaged = dice.chance(0.15);
        if text_is_damaged {
            mutate::text(dice, &mut text);
        }
        let mut other = |sound: &[&str]| match dice.number(0..=19) {
            0 => Some(odd::text(dice)),
            1..=9 => None,
            _ => Some(dice.pick(sound).to_owned()),
        };
        Self {
            prune: other(&["proven", "all", "never", ""]),
            dry_run: other(&["true", "false", " "]),
            region: Some(
                other(&["us-east-2", "us-east-2", "eu-west-1"]).unwrap_or("us-east-2".to_owned()),
            ),
            bindings: (!dice.chance(0.01)).then(|| String::from_utf8_lossy(&text).into_owned()),
            text_is_damaged,
        }
    }

    /// As the function reads them.
    pub fn read(&self) -> Result<Config, ConfigError> {
        Config::read(|name| match name {
            "AWS_REGION" => self.region.clone(),
            "BINDINGS" => self.bindings.clone(),
            "PRUNE" => self.prune.clone(),
            "DRY_RUN" => self.dry_run.clone(),
            _ => None,
        })
    }

    /// Judges what came of them.
    pub fn judge(&self, read: &Result<Config, ConfigError>) -> Verdict {
        let wrong = self.wrong();
        match read {
            Ok(config) => {
                if let Some(variable) = wrong.first() {
                    return Err(format!("{variable} is wrong, and was accepted: {config:?}"));
                }
                self.accepted(config)?;
                Ok("settings: accepted")
            }
            Err(mistake) => self.refused(&mistake.to_string(), &wrong),
        }
    }

    fn refused(&self, line: &str, wrong: &BTreeSet<&'static str>) -> Verdict {
        if line.contains(['\n', '\r']) || line.matches("; ").next().is_none() {
            return Err(format!("not one line with a mend: {line:?}"));
        }
        let variable = ["AWS_REGION", "BINDINGS", "PRUNE", "DRY_RUN"]
            .into_iter()
            .find(|v| line.starts_with(v));
        let variable = variable.ok_or_else(|| format!("names no variable: {line}"))?;
        // A key that stands twice is refused, and not seen here.
        let doubled = variable == "BINDINGS" && self.text_is_damaged;
        if !wrong.contains(variable) && !doubled {
            return Err(format!("{variable} is right, and was refused: {line}"));
        }
        self.entry_exists(line)?;
        Ok(match variable {
            "AWS_REGION" => "settings: mistake in AWS_REGION",
            "PRUNE" => "settings: mistake in PRUNE",
            "DRY_RUN" => "settings: mistake in DRY_RUN",
            _ if line.starts_with("BINDINGS[") => "settings: mistake in an entry of BINDINGS",
            _ => "settings: mistake in BINDINGS",
        })
    }

    /// The entry that a mistake names has to be there, and to be wrong, or to repeat an earlier
    /// one.
    fn entry_exists(&self, line: &str) -> Result<(), String> {
        let Some(rest) = line.strip_prefix("BINDINGS[") else { return Ok(()) };
        let index = rest.split(']').next().and_then(|index| index.parse::<usize>().ok());
        let index = index.ok_or_else(|| format!("names no entry: {line}"))?;
        // What is too deep for the JSON reader as a whole can still hold entries that it reads.
        let Some(entries) = self.entries() else { return Ok(()) };
        let Some(entry) = entries.get(index) else {
            return Err(format!("there is no such entry: {line}"));
        };
        let earlier = entries[..index].iter().filter_map(|entry| self.entry(entry));
        let wrong = match self.entry(entry) {
            None => true,
            Some(entry) => earlier.into_iter().any(|earlier| earlier.repeats(&entry)),
        };
        if wrong || self.text_is_damaged {
            Ok(())
        } else {
            Err(format!("the entry is right: {line}"))
        }
    }

    /// The variables that break a documented rule.
    fn wrong(&self) -> BTreeSet<&'static str> {
        let mut wrong = BTreeSet::new();
        if set(self.region.as_deref()).is_none() {
            wrong.insert("AWS_REGION");
        }
        if !matches!(set(self.prune.as_deref()), None | Some("proven" | "all" | "never")) {
            wrong.insert("PRUNE");
        }
        if !matches!(set(self.dry_run.as_deref()), None | Some("true" | "false")) {
            wrong.insert("DRY_RUN");
        }
        if self.sound_entries().is_none() {
            wrong.insert("BINDINGS");
        }
        wrong
    }

    fn entries(&self) -> Option<Vec<Value>> {
        match serde_json::from_str(self.bindings.as_deref()?).ok()? {
            Value::Array(entries) => Some(entries),
            _ => None,
        }
    }

    /// All entries, if there is at least one, each by the rules, and none twice.
    fn sound_entries(&self) -> Option<Vec<Entry>> {
        let entries = self.entries()?;
        let entries: Vec<Entry> =
            entries.iter().map(|entry| self.entry(entry)).collect::<Option<_>>()?;
        let twice = (1..entries.len()).any(|n| entries[..n].iter().any(|e| e.repeats(&entries[n])));
        (!entries.is_empty() && !twice).then_some(entries)
    }

    /// An entry by the rules of docs/configuration.md.
    fn entry(&self, entry: &Value) -> Option<Entry> {
        let fields = entry.as_object()?;
        let known = ["cluster", "service", "family", "targetGroupArn", "port"];
        let text = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => Some(Some(text.clone())),
            Some(_) => None,
        };
        let port = match fields.get("port") {
            None | Some(Value::Null) => None,
            Some(port) => Some(port.as_u64().filter(|port| (1..=65_535).contains(port))? as u16),
        };
        let (cluster, group) = (text("cluster")??, text("targetGroupArn")??);
        let owner = match (text("service")?, text("family")?) {
            (Some(service), None) => (true, service),
            (None, Some(family)) => (false, family),
            _ => return None,
        };
        let region = self.region.as_deref();
        let sound = fields.keys().all(|key| known.contains(&key.as_str()))
            && rules::is_name(&owner.1)
            && rules::cluster(&cluster)?.0.is_none_or(|its| Some(its) == region)
            && Some(rules::region_of_target_group(&group)?) == region;
        sound.then_some(Entry { cluster, owner, group, port })
    }

    fn accepted(&self, config: &Config) -> Result<(), String> {
        let entries = self.sound_entries().unwrap_or_default();
        let read: Vec<Entry> = config.bindings.iter().map(Entry::of).collect();
        let prune = match set(self.prune.as_deref()) {
            Some("all") => Prune::All,
            Some("never") => Prune::Never,
            _ => Prune::Proven,
        };
        let same = read == entries
            && config.prune == prune
            && config.dry_run == (self.dry_run.as_deref() == Some("true"))
            && Some(config.region.as_str()) == self.region.as_deref();
        if same { Ok(()) } else { Err(format!("not what was set: {config:?}")) }
    }
}

/// A binding as it stands in the input; the owner is a service or a family.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    cluster: String,
    owner: (bool, String),
    group: String,
    port: Option<u16>,
}

impl Entry {
    fn of(binding: &Binding) -> Self {
        let owner = match &binding.owner {
            Owner::Service(name) => (true, name.clone()),
            Owner::Family(name) => (false, name.clone()),
        };
        let (cluster, group) =
            (binding.cluster.as_str().to_owned(), binding.target_group.to_string());
        Self { cluster, owner, group, port: binding.port }
    }

    /// Whether both say the same of the same tasks; a cluster's name is that of a cluster in the
    /// target group's account.
    fn repeats(&self, other: &Self) -> bool {
        self.cluster_arn() == other.cluster_arn()
            && (&self.owner, &self.group, self.port) == (&other.owner, &other.group, other.port)
    }

    fn cluster_arn(&self) -> String {
        match self.group.split(':').collect::<Vec<_>>()[..] {
            [_, partition, _, region, account, ..] if !self.cluster.contains(':') => {
                format!("arn:{partition}:ecs:{region}:{account}:cluster/{}", self.cluster)
            }
            _ => self.cluster.clone(),
        }
    }
}

fn set(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.trim().is_empty())
}

/// A sound binding; the choice is small, so that some are the same.
fn binding(dice: &mut Dice) -> Value {
    let cluster = dice.pick(&["demo", "prod", "arn:aws:ecs:us-east-2:123456789012:cluster/demo"]);
    let group = dice.pick(&["a/6d0ecf831eec9f09", "b/0123456789abcdef"]);
    let mut fields = Map::new();
    fields.insert("cluster".to_owned(), json!(cluster));
    fields.insert(
        dice.pick(&["service", "service", "family"]).to_owned(),
        json!(dice.pick(&["web", "api", "job_2"])),
    );
    let arn = format!("arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/{group}");
    fields.insert("targetGroupArn".to_owned(), json!(arn));
    if dice.chance(0.1) {
        fields.entry("family").or_insert(Value::Null);
    }
    if dice.chance(0.6) {
        fields.insert("port".to_owned(), json!(dice.pick(&[1, 80, 8080, 65_535])));
    }
    Value::Object(fields)
}
