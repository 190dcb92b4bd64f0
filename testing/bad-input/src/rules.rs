//! The documented rules of names and ARNs, said once more: the oracles use nothing of the function.

/// Letters, digits, hyphens and underscores, 1 to 255 of them (ECS API reference, CreateCluster).
pub fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.chars().all(|c| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_'))
}

/// `arn:partition:service:region:account:resource`: region and resource, if it is of this service.
pub fn arn_of<'a>(service: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [prefix, partition, its_service, region, account, resource] = parts[..] else {
        return None;
    };
    let sound = prefix == "arn"
        && partition.starts_with("aws")
        && is_name(partition)
        && its_service == service
        && is_name(region)
        && account.len() == 12
        && account.chars().all(|c| c.is_ascii_digit());
    sound.then_some((region, resource))
}

/// The cluster that a task's ARN names; none within if the ARN is of the old short format.
pub fn cluster_of_task(text: &str) -> Option<Option<&str>> {
    let (_, resource) = arn_of("ecs", text)?;
    let parts: Vec<&str> = resource.split('/').collect();
    match parts[..] {
        ["task", id] if is_name(id) => Some(None),
        ["task", cluster, id] if is_name(cluster) && is_name(id) => Some(Some(cluster)),
        _ => None,
    }
}

/// The region of a target group's ARN.
pub fn region_of_target_group(text: &str) -> Option<&str> {
    let (region, resource) = arn_of("elasticloadbalancing", text)?;
    let parts: Vec<&str> = resource.split('/').collect();
    matches!(parts[..], ["targetgroup", name, id] if is_name(name) && is_name(id)).then_some(region)
}

/// The region of a cluster's ARN, and its name; a bare name has no region.
pub fn cluster(text: &str) -> Option<(Option<&str>, &str)> {
    if is_name(text) {
        return Some((None, text));
    }
    let (region, resource) = arn_of("ecs", text)?;
    let name = resource.strip_prefix("cluster/").filter(|name| is_name(name))?;
    Some((Some(region), name))
}
