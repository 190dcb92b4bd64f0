//! An account in which all is well, and what doctor says of it.

use std::time::Duration;

use aws_sim::{Aws, LoadBalancer, SecurityGroup, Service, TargetGroup, Task, TaskDefinition};
use serde_json::{Value, json};

use crate::common::{Function, PORT, binding, task};

/// The parts of an account in which all is well; a test changes one before it is built.
pub struct Account {
    pub group: TargetGroup,
    pub native: TargetGroup,
    pub balancer: LoadBalancer,
    pub service: Service,
    pub security_group: SecurityGroup,
    pub tasks: Vec<Task>,
    pub registered: usize,
    pub binding: Value,
    /// Checks that do not pass beside the one that a test is about, with their status.
    pub beside: Vec<(&'static str, &'static str)>,
}

/// Two tasks in two zones, registered behind a dualstack load balancer. ECS itself fills an IPv4
/// group of the same load balancer.
pub fn account() -> Account {
    let group = TargetGroup::ipv6("demo-ipv6").port(PORT);
    let group = group.attribute("preserve_client_ip.enabled", "true");
    let native = TargetGroup::ipv4("demo-ipv4").port(PORT);
    let (ipv6, ipv4) = (group.arn(), native.arn());
    Account {
        balancer: network().listener("TCP", 443, &ipv6).listener("TCP", 80, &ipv4),
        service: service(&ipv4),
        security_group: SecurityGroup::new("sg-1").lets_in("tcp", PORT, "::/0"),
        tasks: vec![task(0), task(1).zone('b')],
        registered: 2,
        binding: binding(&ipv6, Some(PORT)),
        group,
        native,
        beside: Vec::new(),
    }
}

/// A service that ECS registers in this group.
pub fn service(group: &str) -> Service {
    let service = Service::new("demo-service").task_definition(definition());
    service.attached_to(group).security_group("sg-1")
}

pub fn network() -> LoadBalancer {
    LoadBalancer::network("demo-nlb").dualstack().zones("ab")
}

pub fn definition() -> TaskDefinition {
    TaskDefinition::new("demo").container("app", PORT, None)
}

impl Account {
    pub async fn function(&self) -> Function {
        let aws = Aws::new();
        let group = aws.add_target_group(self.group.clone().registration_lag(Duration::ZERO));
        aws.add_target_group(self.native.clone());
        aws.add_load_balancer(self.balancer.clone());
        aws.add_service(self.service.clone());
        aws.add_security_group(self.security_group.clone());
        for (n, task) in self.tasks.iter().enumerate() {
            aws.put_task(task);
            if n < self.registered {
                aws.put_target(&group, &task.ipv6().unwrap().to_string(), PORT);
            }
        }
        Function::with(aws, json!([self.binding]), &[]).await
    }

    pub async fn examine(&self) -> Value {
        self.function().await.invoke(json!({"action": "doctor"})).await.unwrap()
    }

    /// All checks pass but this one; its status, its detail and its fix are these, or say these.
    pub async fn is_faulted(&self, check: &str, status: &str, detail: &str, fix: &str) {
        let answer = self.examine().await;
        let mut found = findings(&answer);
        found.retain(|trouble| !self.beside.contains(trouble));
        assert_eq!(found, [(check, status)], "{answer:#}");
        assert_eq!(answer["ok"], findings(&answer).iter().all(|(_, status)| *status == "warn"));
        let found = of(&answer, check);
        let says = |field: &str, text: &str| found[field].as_str().unwrap().contains(text);
        assert!(says("detail", detail), "{found:#}");
        assert!(says("fix", fix), "{found:#}");
    }

    /// All checks pass, and this one says this.
    pub async fn passes(&self, check: &str, detail: &str) {
        let answer = self.examine().await;
        assert_eq!(findings(&answer), self.beside, "{answer:#}");
        assert!(of(&answer, check)["detail"].as_str().unwrap().contains(detail), "{answer:#}");
    }
}

/// The checks that did not pass, with their status.
pub fn findings(answer: &Value) -> Vec<(&str, &str)> {
    let checks = answer["checks"].as_array().unwrap().iter();
    let checks =
        checks.map(|check| (check["check"].as_str().unwrap(), check["status"].as_str().unwrap()));
    checks.filter(|(_, status)| *status != "pass").collect()
}

pub fn names(answer: &Value) -> Vec<&str> {
    let checks = answer["checks"].as_array().unwrap().iter();
    checks.map(|check| check["check"].as_str().unwrap()).collect()
}

/// The first check of this name.
pub fn of<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let checks = answer["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == name).unwrap()
}
