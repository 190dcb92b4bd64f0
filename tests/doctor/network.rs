//! Security groups and subnets.

use aws_sim::{SecurityGroup, Subnet, Task};
use serde_json::json;

use crate::account::{Account, account, of};

#[tokio::test(start_paused = true)]
async fn a_security_group_that_lets_in_only_ipv4_fails() {
    let security_group = SecurityGroup::new("sg-1").lets_in("tcp", 8080, "0.0.0.0/0");
    let account = Account { security_group, ..account() };
    let fix = "aws ec2 authorize-security-group-ingress --group-id sg-1";
    account.is_faulted("security-group", "fail", "on tcp:8080, only IPv4", fix).await;
}

#[tokio::test(start_paused = true)]
async fn a_security_group_that_is_gone_warns() {
    let security_group = SecurityGroup::new("sg-2");
    let account = Account { security_group, ..account() };
    account.is_faulted("security-group", "warn", "InvalidGroup.NotFound", "doctor again").await;
}

#[tokio::test(start_paused = true)]
async fn the_subnets_say_why_tasks_lack_addresses() {
    for (has_ipv6, assigns_ipv6, status, detail) in [
        (false, true, "fail", "no IPv6 range: subnet-0aaaaaaaaaaaaaaaa"),
        (true, false, "fail", "do not assign IPv6 addresses: subnet-0aaaaaaaaaaaaaaaa"),
        (true, true, "warn", "the account's setting"),
    ] {
        let mut account = account();
        account.tasks.push(Task::new("lacks").without_address().running());
        account.beside = vec![("task-addresses", "fail")];
        let function = account.function().await;
        function.aws.set_subnet(Subnet { has_ipv6, assigns_ipv6 });
        let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
        let found = of(&answer, "subnets");
        assert_eq!(found["status"], status, "{answer:#}");
        assert!(found["detail"].as_str().unwrap().contains(detail), "{found:#}");
    }
}
