//! Settings: drawn and damaged, read by the function, and checked. What is accepted must be what
//! was set; what is refused must be refused in one line that names the variable and the fix. The
//! rules of names and ARNs are not repeated here: `tests/binary.rs` has a table of every mistake.

use std::collections::BTreeSet;

use ecs_ipv6_targets::config::Config;
use ecs_ipv6_targets::config::error::ConfigError;
use ecs_ipv6_targets::core::access::Access;
use ecs_ipv6_targets::core::binding::{Binding, Owner};
use ecs_ipv6_targets::core::drift::Prune;
use harness::dice::Dice;
use serde_json::{Map, Value, json};

use crate::check::Checked;
use crate::mutate;
use crate::odd_values;

/// The environment variables that are drawn.
#[derive(Debug)]
pub struct Settings {
    region: Option<String>,
    bindings: Option<String>,
    prune: Option<String>,
    dry_run: Option<String>,
    hold_minutes: Option<String>,
    discover: Option<String>,
    /// Whether `bindings` is one valid binding for the region, undamaged.
    is_valid: bool,
}

impl Settings {
    /// Draws settings, most of them with a mistake. `others` are documents to take pieces from.
    pub fn draw(dice: &mut Dice, others: &[Value]) -> Self {
        let (mut bindings, is_one) = if dice.number(0..=19) == 0 {
            (odd_values::tree(dice, 4), false)
        } else {
            let bindings: Vec<Value> = (0..dice.number(1..=4)).map(|_| binding(dice)).collect();
            let is_one = bindings.len() == 1;
            (Value::Array(bindings), is_one)
        };
        let damage = dice.pick(&[0, 0, 1, 1, 1, 2, 3]);
        for _ in 0..damage {
            mutate::structure(dice, &mut bindings, others);
        }
        let mut text = bindings.to_string().into_bytes();
        let text_is_damaged = dice.chance(0.15);
        if text_is_damaged {
            mutate::text(dice, &mut text);
        }
        let mut other = |valid: &[&str]| match dice.number(0..=19) {
            0 => Some(odd_values::text(dice)),
            1..=9 => None,
            _ => Some(dice.pick(valid).to_owned()),
        };
        let prune = other(&["proven", "all", "never", ""]);
        let dry_run = other(&["true", "false", " "]);
        let hold_minutes = other(&["0", "1", "15", "2880", "2881", "-1", "1.5", ""]);
        let region = other(&["us-east-2", "us-east-2", "eu-west-1"]);
        let region = region.unwrap_or("us-east-2".to_owned());
        let bindings = (!dice.chance(0.01)).then(|| String::from_utf8_lossy(&text).into_owned());
        let is_whole = is_one && damage == 0 && !text_is_damaged && bindings.is_some();
        let is_valid = is_whole && region == "us-east-2";
        let discover = match dice.number(0..=9) {
            0 => Some(odd_values::text(dice)),
            1..=3 => Some(dice.pick(&["tags", "tags", " "]).to_owned()),
            _ => None,
        };
        let region = Some(region);
        Self { region, bindings, prune, dry_run, hold_minutes, discover, is_valid }
    }

    /// Reads them as the function does.
    pub fn read(&self) -> Result<Config, ConfigError> {
        Config::read(|name| match name {
            "AWS_REGION" => self.region.clone(),
            "BINDINGS" => self.bindings.clone(),
            "PRUNE" => self.prune.clone(),
            "DRY_RUN" => self.dry_run.clone(),
            "HOLD_MINUTES" => self.hold_minutes.clone(),
            "DISCOVER" => self.discover.clone(),
            _ => None,
        })
    }

    /// Checks what the function made of them.
    pub fn check(&self, read: &Result<Config, ConfigError>) -> Checked {
        let wrong = self.wrong();
        match read {
            Ok(config) => {
                if let Some(variable) = wrong.first() {
                    return Err(format!("{variable} is wrong, and was accepted: {config:?}"));
                }
                self.accepted(config)?;
                Ok("settings: accepted")
            }
            Err(error) => self.refused(&error.to_string(), &wrong),
        }
    }

    fn refused(&self, line: &str, wrong: &BTreeSet<&'static str>) -> Checked {
        if line.contains(['\n', '\r']) || line.matches("; ").next().is_none() {
            return Err(format!("not one line with a fix: {line:?}"));
        }
        let variables = ["AWS_REGION", "BINDINGS", "PRUNE", "DRY_RUN", "HOLD_MINUTES", "DISCOVER"];
        let variable = variables.into_iter().find(|v| line.starts_with(v));
        let variable = variable.ok_or_else(|| format!("names no variable: {line}"))?;
        let may_be_wrong = match variable {
            "BINDINGS" => !self.is_valid && !self.needs_no_bindings(),
            other => wrong.contains(other),
        };
        if !may_be_wrong {
            return Err(format!("{variable} is right, and was refused: {line}"));
        }
        self.entry_exists(line)?;
        Ok(match variable {
            "AWS_REGION" => "settings: mistake in AWS_REGION",
            "PRUNE" => "settings: mistake in PRUNE",
            "DRY_RUN" => "settings: mistake in DRY_RUN",
            "HOLD_MINUTES" => "settings: mistake in HOLD_MINUTES",
            "DISCOVER" => "settings: mistake in DISCOVER",
            _ if line.starts_with("BINDINGS[") => "settings: mistake in an entry of BINDINGS",
            _ => "settings: mistake in BINDINGS",
        })
    }

    /// The entry that an error names must exist.
    fn entry_exists(&self, line: &str) -> Result<(), String> {
        let Some(rest) = line.strip_prefix("BINDINGS[") else { return Ok(()) };
        let index = rest.split(']').next().and_then(|index| index.parse::<usize>().ok());
        let index = index.ok_or_else(|| format!("names no entry: {line}"))?;
        // Where the whole is nested too deeply for the JSON reader, its entries may not be.
        match self.entries() {
            Some(entries) if index >= entries.len() => {
                Err(format!("there is no such entry: {line}"))
            }
            _ => Ok(()),
        }
    }

    /// The variables besides BINDINGS that break a documented rule.
    fn wrong(&self) -> BTreeSet<&'static str> {
        let mut wrong = BTreeSet::new();
        if set(self.region.as_deref()).is_none() {
            wrong.insert("AWS_REGION");
        }
        let prune = set(self.prune.as_deref());
        let all_by_tags = prune == Some("all") && self.discovers();
        if !matches!(prune, None | Some("proven" | "all" | "never")) || all_by_tags {
            wrong.insert("PRUNE");
        }
        if !matches!(set(self.discover.as_deref()), None | Some("tags")) {
            wrong.insert("DISCOVER");
        }
        if !matches!(set(self.dry_run.as_deref()), None | Some("true" | "false")) {
            wrong.insert("DRY_RUN");
        }
        if set(self.hold_minutes.as_deref()).is_some() && self.minutes().is_none() {
            wrong.insert("HOLD_MINUTES");
        }
        wrong
    }

    fn discovers(&self) -> bool {
        self.discover.as_deref() == Some("tags")
    }

    /// Whether there are none, and tags are read.
    fn needs_no_bindings(&self) -> bool {
        self.discovers() && set(self.bindings.as_deref()).is_none()
    }

    /// The minutes of a hold, if they are set and as documented.
    fn minutes(&self) -> Option<u64> {
        let minutes = set(self.hold_minutes.as_deref())?.parse().ok()?;
        (0..=2880).contains(&minutes).then_some(minutes)
    }

    fn entries(&self) -> Option<Vec<Value>> {
        match serde_json::from_str(self.bindings.as_deref()?).ok()? {
            Value::Array(entries) => Some(entries),
            _ => None,
        }
    }

    /// Every accepted binding is, field by field, the entry that was set, where null is the same as
    /// no field, and so is the default of `hold`.
    fn accepted(&self, config: &Config) -> Result<(), String> {
        let mut entries = self.entries().unwrap_or_default();
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            entry.retain(|field, value| !(value.is_null() || field == "hold" && *value == true));
        }
        let bindings = config.bindings.iter();
        let read =
            bindings.map(|binding| as_set(binding, config.accesses.get(&binding.target_group)));
        let read: Vec<Value> = read.collect();
        name_clusters_as_set(&mut entries, &read);
        let prune = match set(self.prune.as_deref()) {
            Some("all") => Prune::All,
            Some("never") => Prune::Never,
            _ => Prune::Proven,
        };
        let same = read == entries
            && (self.needs_no_bindings() || !entries.is_empty())
            && config.discovers_tags == self.discovers()
            && config.prune == prune
            && config.hold.map_or(0, |hold| hold.as_secs() / 60) == self.minutes().unwrap_or(0)
            && config.dry_run == (self.dry_run.as_deref() == Some("true"))
            && Some(config.region.as_str()) == self.region.as_deref();
        if same { Ok(()) } else { Err(format!("not what was set: {config:?}")) }
    }
}

/// A cluster by name is known by its ARN where the group has a role. It is in an account that owns
/// a group without one.
fn name_clusters_as_set(entries: &mut [Value], read: &[Value]) {
    let account =
        |entry: &Value| entry["targetGroupArn"].as_str()?.split(':').nth(4).map(str::to_owned);
    let own = entries.iter().filter(|entry| entry.get("roleArn").is_none());
    let own: Vec<String> = own.filter_map(account).collect();
    for (entry, read) in entries.iter_mut().zip(read) {
        let arn = read["cluster"].as_str().unwrap_or_default();
        let is_own = arn.split(':').nth(4).is_some_and(|a| own.iter().any(|own| own == a));
        let name = entry["cluster"].as_str().unwrap_or_default();
        if is_own && entry.get("roleArn").is_some() && arn.ends_with(&format!("/{name}")) {
            entry["cluster"] = read["cluster"].clone();
        }
    }
}

/// A binding as an entry of BINDINGS.
fn as_set(binding: &Binding, access: Option<&Access>) -> Value {
    let (owner, name) = match &binding.owner {
        Owner::Service(name) => ("service", name),
        Owner::Family(name) => ("family", name),
    };
    let mut entry = json!({
        "cluster": binding.cluster.as_str(), owner: name,
        "targetGroupArn": binding.target_group.to_string(),
    });
    if let Some(port) = binding.port {
        entry["port"] = json!(port);
    }
    if !binding.hold {
        entry["hold"] = json!(false);
    }
    if let Some(role) = access.and_then(|access| access.role.as_ref()) {
        entry["roleArn"] = json!(role.arn());
        if let Some(id) = role.external_id() {
            entry["externalId"] = json!(id);
        }
    }
    if access.is_some_and(|access| access.all_zones) {
        entry["zone"] = json!("all");
    }
    entry
}

/// The value of a variable, unless it is empty, which is the same as not set.
fn set(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.trim().is_empty())
}

/// A valid binding. There are so few that several in one array are often the same.
fn binding(dice: &mut Dice) -> Value {
    let cluster = dice.pick(&["demo", "prod", "arn:aws:ecs:us-east-2:123456789012:cluster/demo"]);
    let group = dice.pick(&["a/6d0ecf831eec9f09", "b/0123456789abcdef"]);
    let account = dice.pick(&["123456789012", "123456789012", "222222222222"]);
    let mut fields = Map::new();
    fields.insert("cluster".to_owned(), json!(cluster));
    fields.insert(
        dice.pick(&["service", "service", "family"]).to_owned(),
        json!(dice.pick(&["web", "api", "job_2"])),
    );
    let is_lattice = account == "123456789012" && dice.chance(0.2);
    let arn = match is_lattice {
        true => format!("arn:aws:vpc-lattice:us-east-2:{account}:targetgroup/tg-0a1b2c3d4e5f60718"),
        false => format!("arn:aws:elasticloadbalancing:us-east-2:{account}:targetgroup/{group}"),
    };
    fields.insert("targetGroupArn".to_owned(), json!(arn));
    if account == "222222222222" {
        fields.insert("roleArn".to_owned(), json!("arn:aws:iam::222222222222:role/there"));
        if dice.chance(0.7) {
            fields.insert("externalId".to_owned(), json!(dice.pick(&["prod-web", "prod-api"])));
        }
    }
    if !is_lattice && dice.chance(0.2) {
        fields.insert("zone".to_owned(), json!("all"));
    }
    if dice.chance(0.1) {
        fields.entry("family").or_insert(Value::Null);
    }
    if dice.chance(0.2) {
        fields.insert("hold".to_owned(), json!(dice.chance(0.5)));
    }
    if dice.chance(0.6) {
        fields.insert("port".to_owned(), json!(dice.pick(&[1, 80, 8080, 65_535])));
    }
    Value::Object(fields)
}
