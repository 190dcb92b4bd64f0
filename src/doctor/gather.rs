//! Reads the facts. What several bindings share is read once.

mod lattice;
mod on_service;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::Doctor;
use super::facts::{
    AssumedRole, Attributes, Balancer, Facts, LatticeGroup, Listener, LoadBalancer, Quotas, Read,
    Rule, SecurityGroup, Service, Subnet, Target, TargetGroup, TaskDefinition,
};
use super::memo::Memo;
use crate::aws::ecs::Desired;
use crate::aws::rate_limits::Limits;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::target_group::GroupKind;
use crate::core::task::Task;
use crate::doctor::elb::reads::Via;
use on_service::OnService;

/// How many reads run at the same time: each needs a connection, and opening one costs Lambda's
/// smallest size a good part of a second of CPU.
const CONCURRENT: usize = 8;

/// Everything that is read in one examination.
pub struct Reads<'a> {
    doctor: &'a Doctor,
    limits: &'a Limits,
    slots: Semaphore,
    roles: Memo<Read<()>>,
    target_groups: Memo<Read<Option<TargetGroup>>>,
    attributes: Memo<Read<Attributes>>,
    targets: Memo<Read<Vec<Target>>>,
    lattice_groups: Memo<Read<Option<LatticeGroup>>>,
    load_balancers: Memo<Read<LoadBalancer>>,
    listeners: Memo<Read<Vec<Listener>>>,
    rules: Memo<Read<Vec<Rule>>>,
    cross_zone: Memo<Read<bool>>,
    quotas: Memo<Read<Quotas>>,
    services: Memo<Read<Option<Service>>>,
    task_definitions: Memo<Read<TaskDefinition>>,
    security_groups: Memo<Read<Vec<SecurityGroup>>>,
    subnets: Memo<Read<Vec<Subnet>>>,
    tasks: Memo<Read<Vec<Task>>>,
}

impl<'a> Reads<'a> {
    /// Nothing read yet.
    pub fn new(doctor: &'a Doctor, limits: &'a Limits) -> Self {
        Self {
            doctor,
            limits,
            slots: Semaphore::new(CONCURRENT),
            roles: Memo::default(),
            target_groups: Memo::default(),
            attributes: Memo::default(),
            targets: Memo::default(),
            lattice_groups: Memo::default(),
            load_balancers: Memo::default(),
            listeners: Memo::default(),
            rules: Memo::default(),
            cross_zone: Memo::default(),
            quotas: Memo::default(),
            services: Memo::default(),
            task_definitions: Memo::default(),
            security_groups: Memo::default(),
            subnets: Memo::default(),
            tasks: Memo::default(),
        }
    }

    /// All facts of a binding. Independent reads run at the same time, so that one that hangs
    /// delays no other.
    pub async fn facts(&self, binding: &Binding) -> Facts {
        match binding.target_group.kind() {
            GroupKind::LoadBalancer => self.facts_behind_elb(binding).await,
            GroupKind::Lattice => self.facts_in_lattice(binding).await,
        }
    }

    async fn facts_behind_elb(&self, binding: &Binding) -> Facts {
        let group = &binding.target_group;
        let (via, arn) = (Some(group), group.as_str());
        let (role, on_group, attributes, targets, quotas, on_service, with_tasks) = tokio::join!(
            self.role(group),
            self.group_and_front(group),
            self.attributes(via, arn),
            self.targets(via, arn),
            self.quotas(via),
            self.service_and_more(binding),
            self.tasks_and_subnets(binding),
        );
        let (target_group, front) = on_group;
        let OnService { service, native_groups, task_definition, security_groups } = on_service;
        let (tasks, subnets) = with_tasks;
        Facts {
            role,
            all_zones: self.doctor.load_balancers.accounts.has_all_zones(group),
            target_group,
            attributes,
            targets,
            front,
            lattice: Ok(None),
            quotas,
            service,
            native_groups,
            task_definition,
            tasks,
            security_groups,
            subnets,
            hold: None,
        }
    }

    async fn role(&self, group: &TargetGroupArn) -> Option<AssumedRole> {
        let elb = &self.doctor.load_balancers;
        let role = elb.accounts.role(group)?.arn().to_owned();
        let read = elb.assumes_role(group, self.limits);
        let is_assumed = self.roles.get(&self.key(Some(group), ""), self.slot(read)).await;
        Some(AssumedRole { arn: role, is_assumed })
    }

    async fn group_and_front(
        &self,
        arn: &TargetGroupArn,
    ) -> (Read<Option<TargetGroup>>, Read<Option<Balancer>>) {
        let group = self.target_group(Some(arn), arn.as_str()).await;
        let balancer = match &group {
            Ok(Some(group)) => group.load_balancers.first(),
            Ok(None) => None,
            Err(error) => return (group.clone(), Err(error.clone())),
        };
        let front = match balancer {
            Some(balancer) => Some(self.front(balancer, arn).await),
            None => None,
        };
        (group, Ok(front))
    }

    async fn front(&self, arn: &str, group: &TargetGroupArn) -> Balancer {
        let elb = &self.doctor.load_balancers;
        let (via, key) = (Some(group), self.key(Some(group), arn));
        let (load_balancer, (listeners, ipv4_targets), cross_zone) = tokio::join!(
            self.load_balancers.get(&key, self.slot(elb.load_balancer(via, arn, self.limits))),
            self.listeners_and_what_follows(arn, group),
            self.cross_zone.get(&key, self.slot(elb.cross_zone(via, arn, self.limits))),
        );
        Balancer { load_balancer, listeners, ipv4_targets, cross_zone }
    }

    async fn listeners_and_what_follows(
        &self,
        balancer: &str,
        group: &TargetGroupArn,
    ) -> (Read<Vec<Listener>>, BTreeMap<String, Read<usize>>) {
        let via = Some(group);
        let listeners = match self.listeners(via, balancer).await {
            Ok(listeners) => listeners,
            Err(error) => return (Err(error), BTreeMap::new()),
        };
        let groups: BTreeSet<&str> = listeners
            .iter()
            .flat_map(|listener| listener.ipv4_groups_beside(group.as_str()))
            .collect();
        let targets = groups.into_iter().map(async |arn| {
            let targets = self.targets(via, arn).await;
            let in_service = |targets: Vec<Target>| {
                targets.iter().filter(|target| target.is_in_service()).count()
            };
            (arn.to_owned(), targets.map(in_service))
        });
        let targets = join_all(targets).await.into_iter().collect();
        (Ok(listeners), targets)
    }

    /// The rules of an Application Load Balancer's listeners (HTTP, HTTPS) are of no interest.
    async fn listeners(&self, via: Via<'_>, balancer: &str) -> Read<Vec<Listener>> {
        let elb = &self.doctor.load_balancers;
        let read = self.slot(elb.listeners(via, balancer, self.limits));
        let listeners = self.listeners.get(&self.key(via, balancer), read).await?;
        let with_rules = listeners.into_iter().map(async |listener| {
            if listener.protocol.starts_with("HTTP") {
                return listener;
            }
            let read = self.slot(elb.rules(via, &listener.arn, self.limits));
            let rules = self.rules.get(&self.key(via, &listener.arn), read).await;
            Listener { rules, ..listener }
        });
        Ok(join_all(with_rules).await)
    }

    /// What a read is known by: whose credentials it takes, and what it is about.
    fn key(&self, via: Via<'_>, arn: &str) -> String {
        let accounts = &self.doctor.load_balancers.accounts;
        let role = via.and_then(|group| accounts.number_of_role(group));
        role.map_or_else(|| arn.to_owned(), |role| format!("{role} {arn}"))
    }

    async fn target_group(&self, via: Via<'_>, arn: &str) -> Read<Option<TargetGroup>> {
        let read = self.doctor.load_balancers.target_group(via, arn, self.limits);
        self.target_groups.get(&self.key(via, arn), self.slot(read)).await
    }

    async fn attributes(&self, via: Via<'_>, arn: &str) -> Read<Attributes> {
        let read = self.doctor.load_balancers.attributes(via, arn, self.limits);
        self.attributes.get(&self.key(via, arn), self.slot(read)).await
    }

    async fn targets(&self, via: Via<'_>, arn: &str) -> Read<Vec<Target>> {
        let read = self.doctor.load_balancers.targets(via, arn, self.limits);
        self.targets.get(&self.key(via, arn), self.slot(read)).await
    }

    async fn quotas(&self, via: Via<'_>) -> Read<Quotas> {
        let read = self.doctor.load_balancers.quotas(via, self.limits);
        self.quotas.get(&self.key(via, ""), self.slot(read)).await
    }

    async fn service(&self, cluster: &str, name: &str) -> Read<Option<Service>> {
        let read = self.doctor.services.service(cluster, name, self.limits);
        self.services.get(&format!("{cluster} {name}"), self.slot(read)).await
    }

    async fn task_definition(&self, name: Option<&str>) -> Read<Option<TaskDefinition>> {
        let Some(name) = name else { return Ok(None) };
        let read = self.doctor.services.task_definition(name, self.limits);
        self.task_definitions.get(name, self.slot(read)).await.map(Some)
    }

    /// A service's tasks also have a family, but a binding of that family does not cover them.
    async fn tasks(&self, binding: &Binding) -> Read<Vec<Task>> {
        let Binding { cluster, owner, .. } = binding;
        let read = async {
            let running = Desired::Running;
            let found = self.doctor.ecs.tasks_of(cluster, owner, running, self.limits).await;
            found.error.map_or(Ok(found.tasks), Err)
        };
        let name = format!("{} {owner}", cluster.as_str());
        let tasks = self.tasks.get(&name, self.slot(read)).await?;
        Ok(tasks.into_iter().filter(|task| owner.owns(&task.group)).collect())
    }

    /// Waits for a place among the running reads. The read is boxed, because an SDK call is some
    /// kilobytes that every future around it would hold twice.
    fn slot<T>(&self, read: impl Future<Output = T>) -> impl Future<Output = T> {
        let read = Box::pin(read);
        async move {
            // The semaphore is never closed; if it were, the read would only start at once.
            let _slot = self.slots.acquire().await.ok();
            read.await
        }
    }
}
