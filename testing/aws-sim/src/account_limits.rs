//! The quotas of a new account.

use std::collections::BTreeMap;

/// As real answers of DescribeAccountLimits have them; only those that concern Network Load
/// Balancers.
pub(crate) fn default_limits() -> BTreeMap<String, u64> {
    let limits = [
        ("listeners-per-network-load-balancer", 50),
        ("network-load-balancers", 50),
        ("target-groups", 3000),
        ("targets-per-availability-zone-per-network-load-balancer", 500),
        ("targets-per-network-load-balancer", 3000),
        ("targets-per-target-group", 1000),
    ];
    limits.into_iter().map(|(name, max)| (name.to_owned(), max)).collect()
}
