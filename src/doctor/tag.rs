//! The check of tags: pure, like those of bindings.

use std::collections::BTreeSet;

use super::unread;
use super::verdict::{Check, Status};
use crate::core::binding::TargetGroupArn;
use crate::core::failure::Failure;
use crate::core::tags::KEY;
use crate::core::target_group::GroupKind;

const CHECK: &str = "tag";

/// One check for each tagged target group, and a failed one if not all tags could be read.
pub fn checks(
    tagged: &BTreeSet<TargetGroupArn>,
    mistakes: &[(TargetGroupArn, Failure)],
    unread: Option<&Failure>,
) -> Vec<Check> {
    let unread = unread.map(|error| Check {
        binding: "all tags".to_owned(),
        check: CHECK,
        status: Status::Fail,
        detail: format!("cannot be checked: {error}"),
        fix: unread::fix(error),
    });
    let of_group = |group: &TargetGroupArn| {
        let of_group = mistakes.iter().filter(|(of, _)| of == group);
        let wrong: Vec<&str> = of_group.map(|(_, mistake)| mistake.message.as_str()).collect();
        let (status, detail, fix) = if wrong.is_empty() {
            (Status::Pass, format!("the tag {KEY} is well-formed"), String::new())
        } else {
            (Status::Fail, format!("in the tag {KEY} {}", wrong.join(", ")), correct(group))
        };
        Check { binding: group.name().to_owned(), check: CHECK, status, detail, fix }
    };
    unread.into_iter().chain(tagged.iter().map(of_group)).collect()
}

fn correct(group: &TargetGroupArn) -> String {
    let value = "CLUSTER/SERVICE:PORT";
    match group.kind() {
        GroupKind::LoadBalancer => {
            format!("aws elbv2 add-tags --resource-arns {group} --tags 'Key={KEY},Value={value}'")
        }
        GroupKind::Lattice => {
            format!("aws vpc-lattice tag-resource --resource-arn {group} --tags '{KEY}={value}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::failure::Code;
    use crate::core::fixtures::group;
    use crate::core::tags;

    #[test]
    fn a_malformed_tag_fails_with_the_command_that_sets_it() {
        let [good, bad] = ["good", "bad"].map(group);
        let mistakes = tags::read("prod/web prod api", &bad).mistakes;
        let mistakes: Vec<_> = mistakes.into_iter().map(|m| (bad.clone(), m)).collect();
        let found = checks(&BTreeSet::from([good, bad.clone()]), &mistakes, None);
        let [bad_one, good_one] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&*bad_one.binding, bad_one.status), ("bad", Status::Fail));
        assert!(bad_one.detail.contains(r#""prod" is neither"#), "{}", bad_one.detail);
        assert!(bad_one.detail.contains(r#""api" is neither"#), "{}", bad_one.detail);
        assert!(bad_one.fix.contains(bad.as_str()), "{}", bad_one.fix);
        assert_eq!((&*good_one.binding, good_one.status), ("good", Status::Pass));
    }

    #[test]
    fn each_kind_of_group_has_a_command_of_its_own() {
        let arn = "arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-0123456789abcdef0";
        let lattice = TargetGroupArn::parse(arn).unwrap();
        for (group, command) in
            [(group("web"), "aws elbv2 add-tags "), (lattice, "aws vpc-lattice tag-resource ")]
        {
            assert!(correct(&group).starts_with(command), "{}", correct(&group));
        }
    }

    #[test]
    fn tags_that_cannot_be_read_fail_and_name_the_action() {
        let denied =
            Failure::new("GetResources", Code::of_aws(Some("AccessDeniedException")), "no");
        let found = checks(&BTreeSet::new(), &[], Some(&denied));
        assert_eq!((found.len(), found[0].status), (1, Status::Fail));
        assert_eq!(found[0].fix, "allow tag:GetResources in the policy of the function's role");
    }
}
