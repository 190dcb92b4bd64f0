//! The subnets of tasks that lack addresses.

use super::*;

fn subnet(has_ipv6: bool, assigns_ipv6: bool) -> Subnet {
    Subnet { id: "subnet-1".to_owned(), has_ipv6, assigns_ipv6 }
}

fn with(subnets: Read<Vec<Subnet>>) -> Facts {
    let tasks = Ok(vec![task("1", Phase::Serving, None)]);
    Facts { tasks, subnets, ..facts() }
}

#[test]
fn the_first_thing_that_is_missing_is_named() {
    for (subnet, expected, fix) in [
        (subnet(false, false), Status::Fail, "associate-subnet-cidr-block --subnet-id subnet-1"),
        (subnet(true, false), Status::Fail, "modify-subnet-attribute --subnet-id subnet-1"),
        (subnet(true, true), Status::Warn, "put-account-setting-default --name dualStackIPv6"),
    ] {
        let found = check("subnets", &with(Ok(vec![subnet]))).unwrap();
        assert_eq!(found.status, expected);
        assert!(found.fix.contains(fix), "{}", found.fix);
    }
    assert_eq!(status("subnets", &with(Err(denied("DescribeSubnets")))), Status::Warn);
}

#[test]
fn where_every_running_task_has_an_address_they_are_left_out() {
    let tasks = Ok(vec![task("1", Phase::Serving, ADDRESS)]);
    let facts = Facts { tasks, subnets: Ok(vec![subnet(false, false)]), ..facts() };
    assert_eq!(check("subnets", &facts), None);
}
