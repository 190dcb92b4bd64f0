//! The listeners before the group.

use super::*;

#[test]
fn the_command_for_a_missing_listener_names_a_certificate_where_one_is_needed() {
    for (protocol, expected) in [("TLS", true), ("TCP", false), ("UDP", false)] {
        let mut facts = Facts { front: Ok(Some(front())), ..facts() };
        facts.target_group.as_mut().unwrap().as_mut().unwrap().protocol = protocol.to_owned();
        let found = check("load-balancer", &facts).unwrap();
        assert_eq!(found.fix.contains("--certificates"), expected, "{}", found.fix);
    }
}
