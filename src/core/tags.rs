//! Bindings in the tag of a target group: its owner decides whose tasks get its traffic.

use crate::core::arn::{Arn, is_name};
use crate::core::binding::{Binding, Cluster, Owner, Source, TargetGroupArn};
use crate::core::failure::{Code, Failure};

/// The key of the tag.
pub const KEY: &str = "ecs-ipv6-targets:bind";

/// What a tag says: the bindings of its well-formed entries, and what is wrong with the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// Its bindings, none twice.
    pub bindings: Vec<Binding>,
    /// Its malformed entries.
    pub mistakes: Vec<Failure>,
}

/// Reads the value of the tag of `group`: entries separated by single spaces, each
/// `CLUSTER/SERVICE[:PORT]` or `family:CLUSTER/FAMILY[:PORT]`. The clusters are those of the
/// group's own account and region.
pub fn read(value: &str, group: &TargetGroupArn) -> Tag {
    let mut tag = Tag::default();
    for entry in value.split(' ') {
        match binding(entry, group) {
            Ok(binding) if tag.bindings.iter().any(|earlier| earlier.repeats(&binding)) => {}
            Ok(binding) => tag.bindings.push(binding),
            Err(problem) => {
                let message = format!("{entry:?} {problem}");
                tag.mistakes.push(Failure::new(KEY, Code::BadTag, message));
            }
        }
    }
    tag
}

fn binding(entry: &str, group: &TargetGroupArn) -> Result<Binding, &'static str> {
    const SHAPE: &str = "is neither CLUSTER/SERVICE[:PORT] nor family:CLUSTER/FAMILY[:PORT]";
    if entry.is_empty() {
        return Err("where an entry should be: separate entries by single spaces");
    }
    let (is_family, rest) = match entry.strip_prefix("family:") {
        Some(rest) => (true, rest),
        None => (false, entry),
    };
    let (cluster, rest) = rest.split_once('/').ok_or(SHAPE)?;
    let (name, port) = match rest.split_once(':') {
        Some((name, port)) => (name, Some(self::port(port)?)),
        None => (rest, None),
    };
    if !is_name(cluster) || !is_name(name) {
        return Err(SHAPE);
    }
    let Arn { partition, region, account, .. } = Arn::parse(group.as_str()).ok_or(SHAPE)?;
    let arn = format!("arn:{partition}:ecs:{region}:{account}:cluster/{cluster}");
    let owner = if is_family { Owner::Family } else { Owner::Service };
    Ok(Binding {
        cluster: Cluster::parse(&arn, group).ok_or(SHAPE)?,
        owner: owner(name.to_owned()),
        target_group: group.clone(),
        port,
        hold: true,
        source: Source::Tag,
    })
}

fn port(text: &str) -> Result<u16, &'static str> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let port = text.parse().ok().filter(|_| is_number);
    port.ok_or("has no port from 1 to 65535 after its colon")
}

/// The entry of the tag that says what a binding says.
pub fn entry(binding: &Binding) -> String {
    let Binding { cluster, owner, port, .. } = binding;
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    match owner {
        Owner::Service(name) => format!("{cluster}/{name}{port}"),
        Owner::Family(name) => format!("family:{cluster}/{name}{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::{CLUSTER, group};

    fn entries(tag: &Tag) -> Vec<String> {
        tag.bindings.iter().map(entry).collect()
    }

    #[test]
    fn entries_name_services_and_families_with_and_without_a_port() {
        let value = "demo-cluster/web:8080 demo-cluster/api family:jobs/batch:1 family:jobs/x";
        let tag = read(value, &group("demo-ipv6"));
        assert_eq!((entries(&tag).join(" "), tag.mistakes.len()), (value.to_owned(), 0));
        let first = &tag.bindings[0];
        assert_eq!(first.owner, Owner::Service("web".to_owned()));
        assert_eq!((first.port, tag.bindings[1].port), (Some(8080), None));
        assert_eq!(tag.bindings[2].owner, Owner::Family("batch".to_owned()));
        assert!(tag.bindings.iter().all(|binding| binding.source == Source::Tag && binding.hold));
    }

    #[test]
    fn a_cluster_is_the_one_in_the_groups_account_and_region() {
        let tag = read("demo-cluster/web", &group("demo-ipv6"));
        let cluster = &tag.bindings[0].cluster;
        assert_eq!(cluster.as_str(), CLUSTER);
        assert!(cluster.is(CLUSTER) && !cluster.is(&CLUSTER.replace("1234", "4321")));
    }

    #[test]
    fn a_malformed_entry_spoils_no_other() {
        for (bad, problem) in [
            ("", "single spaces"),
            ("web", "neither"),
            ("/web", "neither"),
            ("prod/", "neither"),
            ("prod/web/2", "neither"),
            ("prod,eu/web", "neither"),
            ("service:prod/web", "neither"),
            ("family:prod", "neither"),
            ("arn:aws:ecs:us-east-2:123456789012:cluster/prod/web", "neither"),
            ("prod/web:", "port"),
            ("prod/web:0", "port"),
            ("prod/web:080", "port"),
            ("prod/web:+80", "port"),
            ("prod/web:65536", "port"),
            ("prod/web:80:81", "port"),
        ] {
            let tag = read(&format!("a/b {bad} c/d:65535"), &group("demo-ipv6"));
            assert_eq!(entries(&tag), ["a/b", "c/d:65535"], "{bad:?}");
            let [mistake] = &tag.mistakes[..] else { panic!("{bad:?}: {:?}", tag.mistakes) };
            assert_eq!(mistake.code, Code::BadTag);
            let text = mistake.to_string();
            assert!(text.contains(&format!("{bad:?}")) && text.contains(problem), "{text}");
        }
    }

    #[test]
    fn an_empty_value_and_stray_spaces_are_malformed() {
        for (value, bindings, mistakes) in
            [("", 0, 1), (" ", 0, 2), ("a/b ", 1, 1), (" a/b", 1, 1), ("a/b  c/d", 2, 1)]
        {
            let tag = read(value, &group("demo-ipv6"));
            assert_eq!((tag.bindings.len(), tag.mistakes.len()), (bindings, mistakes), "{value:?}");
        }
    }

    #[test]
    fn the_same_entry_twice_is_one_binding() {
        let tag = read("a/b:80 a/b a/b:80", &group("demo-ipv6"));
        assert_eq!((entries(&tag), tag.mistakes.len()), (vec!["a/b:80".into(), "a/b".into()], 0));
    }
}
