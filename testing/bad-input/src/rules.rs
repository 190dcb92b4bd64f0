//! The documented rules of names and ARNs, written again: the oracle shares no code with the
//! function.

/// Letters, digits, hyphens and underscores, 1 to 255 of them (ECS API reference, CreateCluster).
fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.chars().all(|c| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_'))
}

/// The resource of an ARN (`arn:partition:service:region:account:resource`) of ECS.
fn resource(text: &str) -> Option<&str> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [prefix, partition, service, region, account, resource] = parts[..] else {
        return None;
    };
    let valid = prefix == "arn"
        && partition.starts_with("aws")
        && is_name(partition)
        && service == "ecs"
        && is_name(region)
        && account.len() == 12
        && account.chars().all(|c| c.is_ascii_digit());
    valid.then_some(resource)
}

/// The cluster and the name in a service's ARN, if the text is one. An ARN of the old short format
/// names no cluster.
pub fn names_of_service(text: &str) -> Option<(Option<&str>, &str)> {
    let parts: Vec<&str> = resource(text)?.split('/').collect();
    match parts[..] {
        ["service", name] if is_name(name) => Some((None, name)),
        ["service", cluster, name] if is_name(cluster) && is_name(name) => {
            Some((Some(cluster), name))
        }
        _ => None,
    }
}

/// The id of a task, if the text is its ARN or an id alone.
pub fn id_of_task(text: &str) -> Option<&str> {
    let id = cluster_of_task(text).and_then(|_| text.rsplit('/').next());
    id.or_else(|| is_name(text).then_some(text))
}

/// The cluster that a task's ARN names, if the text is one. An ARN of the old short format names no
/// cluster.
pub fn cluster_of_task(text: &str) -> Option<Option<&str>> {
    let resource = resource(text)?;
    let parts: Vec<&str> = resource.split('/').collect();
    match parts[..] {
        ["task", id] if is_name(id) => Some(None),
        ["task", cluster, id] if is_name(cluster) && is_name(id) => Some(Some(cluster)),
        _ => None,
    }
}
