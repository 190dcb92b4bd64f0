//! Which target groups a reconcile takes, if tags bind more than one reconcile may read: all
//! callers of an account share ELB's 10 calls a second (ELB docs, "Request throttling for the ELB
//! API").

use std::collections::BTreeSet;

use crate::core::binding::TargetGroupArn;

/// The most target groups of one slice.
pub const LARGEST: usize = 100;

/// All target groups in slices of equal size, at most `largest` in each, in an order that follows
/// from their ARNs alone, so that every instance cuts alike.
pub fn slices(groups: &BTreeSet<TargetGroupArn>, largest: usize) -> Vec<Vec<TargetGroupArn>> {
    let mut sorted: Vec<&TargetGroupArn> = groups.iter().collect();
    sorted.sort_by_key(|group| (hash(group.as_str()), *group));
    let (count, parts) = (sorted.len(), sorted.len().div_ceil(largest));
    let part = |n: usize| sorted[n * count / parts..(n + 1) * count / parts].iter();
    (0..parts).map(|n| part(n).copied().cloned().collect()).collect()
}

/// The slice of a minute: new groups first, then those whose turn it is. Every group has its turn
/// in as many minutes as there are slices.
pub fn of_minute(
    groups: &BTreeSet<TargetGroupArn>,
    new: &BTreeSet<TargetGroupArn>,
    minute: u64,
) -> BTreeSet<TargetGroupArn> {
    let mut slices = slices(groups, LARGEST);
    if slices.is_empty() {
        return BTreeSet::new();
    }
    let turn = minute % slices.len() as u64;
    let turn = slices.swap_remove(turn as usize);
    let mut taken = BTreeSet::new();
    for group in groups.intersection(new).chain(&turn) {
        if taken.len() < LARGEST {
            taken.insert(group.clone());
        }
    }
    taken
}

/// FNV-1a with 64 bits: the same on every instance and in every version of Rust.
fn hash(text: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, fold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::group;

    fn groups(count: usize) -> BTreeSet<TargetGroupArn> {
        (0..count).map(|n| group(&format!("group-{n}"))).collect()
    }

    #[test]
    fn slices_are_equal_and_have_every_group_once() {
        for (count, sizes) in [
            (0, vec![]),
            (1, vec![1]),
            (100, vec![100]),
            (101, vec![50, 51]),
            (250, vec![83, 83, 84]),
        ] {
            let slices = slices(&groups(count), LARGEST);
            assert_eq!(slices.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
            let all: BTreeSet<TargetGroupArn> = slices.into_iter().flatten().collect();
            assert_eq!(all, groups(count));
        }
    }

    #[test]
    fn every_group_has_its_turn_in_as_many_minutes_as_there_are_slices() {
        let all = groups(3_000);
        let mut seen = BTreeSet::new();
        for minute in 29_000_007..29_000_037 {
            let taken = of_minute(&all, &BTreeSet::new(), minute);
            assert_eq!(taken.len(), 100);
            seen.extend(taken);
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn new_groups_come_first_and_no_more_than_a_hundred_come_at_once() {
        let all = groups(250);
        let new: BTreeSet<TargetGroupArn> = all.iter().take(40).cloned().collect();
        for minute in 0..3 {
            let taken = of_minute(&all, &new, minute);
            assert!(new.is_subset(&taken) && taken.len() == LARGEST, "{}", taken.len());
        }
        let gone = BTreeSet::from([group("unknown")]);
        assert!(!of_minute(&all, &gone, 0).contains(&group("unknown")));
    }

    #[test]
    fn up_to_a_hundred_are_taken_every_minute() {
        let all = groups(100);
        assert!((0..9).all(|minute| of_minute(&all, &BTreeSet::new(), minute) == all));
    }

    #[test]
    fn the_order_is_by_fnv_1a_whatever_version_an_instance_runs() {
        // From the test vectors of the hash's authors.
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
