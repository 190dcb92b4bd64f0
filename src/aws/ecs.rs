//! Thin adapter over Amazon ECS: DescribeTasks and ListTasks, by pages.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types;
use serde::Deserialize;
use serde_json::json;
use tracing::debug;

use crate::aws::bisect::{Refusal, RefusalBudget, Traits, bisect};
use crate::aws::call::within;
use crate::aws::clients::Clients;
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::services::EcsCalls;
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, Cluster, Owner};
use crate::core::failure::{Code, Failure};
use crate::core::task::{Origin, Phase, Task, TaskArn, first_address};

/// The most tasks that one DescribeTasks takes (ECS API reference, DescribeTasks).
const PAGE: usize = 100;

const DESCRIBE_TASKS: &str = "DescribeTasks";

/// What ECS reports about one task; `None` if it does not know the task.
pub type Answer = Result<Option<Task>, Failure>;

/// A task with what only people want to know of it, in ECS's own words.
#[derive(Clone, Debug)]
pub struct Described {
    /// The task.
    pub task: Task,
    /// For example `RUNNING`.
    pub last_status: String,
    /// `RUNNING` or `STOPPED`.
    pub desired_status: String,
    /// `HEALTHY`, `UNHEALTHY` or `UNKNOWN`, by the health checks of its containers.
    pub health_status: String,
}

/// A page of ListTasks.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    task_arns: Vec<String>,
    next_token: Option<String>,
}

/// What ECS is to do with a task (`desiredStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desired {
    /// The task is to run.
    Running,
    /// The task is to stop, or has stopped.
    Stopped,
}

/// The tasks of an owner, as far as they could be read.
#[derive(Clone, Debug, Default)]
pub struct TasksOfOwner {
    /// The tasks that were read.
    pub tasks: Vec<Task>,
    /// Whether tasks may be missing, so that absence from `tasks` proves nothing.
    pub has_gap: bool,
    /// Why some are missing, if that is a failure.
    pub error: Option<Failure>,
}

impl TasksOfOwner {
    fn fail(&mut self, error: Failure) {
        self.has_gap = true;
        self.error = Some(error);
    }
}

/// Reads the states of tasks.
#[derive(Clone, Debug)]
pub struct Ecs {
    client: Client,
    calls: EcsCalls,
}

impl Ecs {
    /// An adapter over these ways of calling.
    pub fn new(clients: &Clients) -> Self {
        Self { client: clients.ecs.clone(), calls: clients.ecs_calls.clone() }
    }

    /// Asks for the newest state of tasks, named by cluster and ARN: one call per cluster and
    /// hundred tasks. `Ok(None)` is a task that ECS does not know, which for a task that ran means
    /// that it stopped more than an hour ago. A failed call is the answer for the tasks it asked
    /// for, and for no others.
    pub async fn describe_tasks<'a>(
        &self,
        tasks: impl Iterator<Item = (&'a str, &'a TaskArn)>,
        limits: &Limits,
    ) -> BTreeMap<TaskArn, Answer> {
        let answers = Mutex::new(BTreeMap::new());
        let lock = || answers.lock().unwrap_or_else(PoisonError::into_inner);
        self.describe_pages(tasks, limits, |page| lock().extend(page)).await;
        answers.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Like [`Self::describe_tasks`], but hands over the answer of each call as soon as it arrives.
    pub async fn describe_pages<'a>(
        &self,
        tasks: impl Iterator<Item = (&'a str, &'a TaskArn)>,
        limits: &Limits,
        hand_over: impl Fn(BTreeMap<TaskArn, Answer>),
    ) {
        let mut by_cluster = BTreeMap::<&str, Vec<&TaskArn>>::new();
        for (cluster, arn) in tasks {
            by_cluster.entry(cluster).or_default().push(arn);
        }
        let pages: Vec<(&str, &[&TaskArn])> = by_cluster
            .iter()
            .flat_map(|(cluster, arns)| arns.chunks(PAGE).map(|page| (*cluster, page)))
            .collect();
        let calls = pages.into_iter().map(async |(cluster, page)| {
            hand_over(self.describe_page(cluster, page, limits).await);
        });
        side_by_side(calls).await;
    }

    /// Describes one task, by its ARN or id; `None` if the cluster knows no such task.
    pub async fn describe_task(
        &self,
        cluster: &str,
        task: &str,
        limits: &Limits,
    ) -> Result<Option<Described>, Failure> {
        debug!(cluster, task, DESCRIBE_TASKS);
        let call = self.client.describe_tasks().cluster(cluster).tasks(task).send();
        let answer = within(limits, Kind::EcsRead, DESCRIBE_TASKS, call).await?;
        if let Some(described) = answer.tasks().first().and_then(describe) {
            return Ok(Some(described));
        }
        let reason = answer.failures().first().and_then(|failure| failure.reason());
        missing_because(reason).map(|()| None)
    }

    /// The tasks of an owner: those that are meant to run, whether they do yet or not, or those
    /// that are meant to stop and were not forgotten (at least an hour, ECS API reference,
    /// DescribeTasks). Tasks that could be read are returned even if others could not.
    pub async fn tasks_of(
        &self,
        cluster: &Cluster,
        owner: &Owner,
        desired: Desired,
        limits: &Limits,
    ) -> TasksOfOwner {
        let (arns, list_error) = self.list(cluster, owner, desired, limits).await;
        let names = arns.iter().map(|arn| (cluster.as_str(), arn));
        let mut found = TasksOfOwner::default();
        list_error.into_iter().for_each(|error| found.fail(error));
        for (arn, answer) in self.describe_tasks(names, limits).await {
            match (answer, owner) {
                (Ok(Some(task)), _) => found.tasks.push(task),
                // ECS may forget a stopped task at any moment, but not one that is to run.
                (Ok(None), _) if desired == Desired::Stopped => {}
                // A family's list has the tasks of services as well (ECS API reference, ListTasks).
                (Ok(None), Owner::Family(_)) => found.has_gap = true,
                (Ok(None), Owner::Service(_)) => {
                    let message = format!("{arn} was listed as running, but is not known");
                    found.fail(Failure::new(DESCRIBE_TASKS, Code::TaskFailed, message));
                }
                (Err(error), _) => found.fail(error),
            }
        }
        found
    }

    /// Lists tasks of the first binding, only to make the connection.
    pub async fn connect(&self, bindings: &[Binding], limits: &Limits) -> Result<(), Failure> {
        let Some(Binding { cluster, owner, .. }) = bindings.first() else { return Ok(()) };
        self.list_page(cluster, owner, Desired::Running, None, limits).await.map(drop)
    }

    async fn list(
        &self,
        cluster: &Cluster,
        owner: &Owner,
        desired: Desired,
        limits: &Limits,
    ) -> (Vec<TaskArn>, Option<Failure>) {
        let mut arns = Vec::new();
        let mut page = None;
        loop {
            let answer = match self.list_page(cluster, owner, desired, page, limits).await {
                Ok(answer) => answer,
                Err(error) => return (arns, Some(error)),
            };
            arns.extend(answer.task_arns.iter().filter_map(|arn| TaskArn::parse(arn)));
            page = answer.next_token.filter(|token| !token.is_empty());
            if page.is_none() {
                return (arns, None);
            }
        }
    }

    async fn list_page(
        &self,
        cluster: &Cluster,
        owner: &Owner,
        desired: Desired,
        page: Option<String>,
        limits: &Limits,
    ) -> Result<Page, Failure> {
        const ACTION: &str = "ListTasks";
        debug!(cluster = cluster.as_str(), ?owner, ?desired, ACTION);
        let desired = match desired {
            Desired::Running => "RUNNING",
            Desired::Stopped => "STOPPED",
        };
        let mut input = json!({"cluster": cluster.as_str(), "desiredStatus": desired});
        match owner {
            Owner::Service(name) => input["serviceName"] = json!(name),
            Owner::Family(name) => input["family"] = json!(name),
        }
        if let Some(page) = page {
            input["nextToken"] = json!(page);
        }
        self.calls.call(limits, Kind::EcsRead, ACTION, &input).await
    }

    /// One page; an ARN that ECS finds invalid fails the whole call, and is found by halving.
    async fn describe_page(
        &self,
        cluster: &str,
        page: &[&TaskArn],
        limits: &Limits,
    ) -> BTreeMap<TaskArn, Answer> {
        let mut found = BTreeMap::new();
        let call = async |arns: &[&TaskArn]| {
            found.extend(self.describe(cluster, arns, limits).await?);
            Ok(())
        };
        let traits = vec![Traits::default(); page.len()];
        let not_tried = |_| Failure::new(DESCRIBE_TASKS, Code::NotTried, "too many were refused");
        let mut budget = RefusalBudget::default();
        let outcome = bisect(page, &traits, PAGE, &mut budget, call, classify, not_tried).await;
        for (arn, result) in page.iter().zip(outcome.results) {
            if let Err(error) = result {
                found.insert((*arn).clone(), Err(error));
            }
        }
        found
    }

    async fn describe(
        &self,
        cluster: &str,
        arns: &[&TaskArn],
        limits: &Limits,
    ) -> Result<BTreeMap<TaskArn, Answer>, Failure> {
        debug!(cluster, tasks = arns.len(), DESCRIBE_TASKS);
        let names = arns.iter().map(|arn| arn.as_str().to_owned()).collect();
        let call = self.client.describe_tasks().cluster(cluster).set_tasks(Some(names)).send();
        let answer = within(limits, Kind::EcsRead, DESCRIBE_TASKS, call).await?;
        let tasks = answer.tasks().iter().filter_map(read);
        let mut found: BTreeMap<TaskArn, Answer> =
            tasks.map(|task| (task.arn.clone(), Ok(Some(task)))).collect();
        for arn in arns {
            found.entry((*arn).clone()).or_insert_with(|| missing(arn, answer.failures()));
        }
        Ok(found)
    }
}

fn classify(error: &Failure) -> Refusal {
    match error.code.as_str() {
        "InvalidParameterException" => Refusal::BadItem,
        _ => Refusal::CallFailed,
    }
}

fn missing(arn: &TaskArn, failures: &[types::Failure]) -> Answer {
    let failure = failures.iter().find(|failure| {
        let named = failure.arn().unwrap_or_default();
        named == arn.as_str() || named == arn.id()
    });
    missing_because(failure.map(|failure| failure.reason().unwrap_or_default())).map(|()| None)
}

/// Fails unless the reason is that ECS does not know the task.
fn missing_because(reason: Option<&str>) -> Result<(), Failure> {
    let failed = |reason| Err(Failure::new(DESCRIBE_TASKS, Code::TaskFailed, reason));
    match reason {
        Some("MISSING") => Ok(()),
        Some(reason) => failed(reason),
        None => failed("ECS left the task out of its answer"),
    }
}

fn describe(task: &types::Task) -> Option<Described> {
    Some(Described {
        task: read(task)?,
        last_status: task.last_status()?.to_owned(),
        desired_status: task.desired_status()?.to_owned(),
        health_status: task
            .health_status()
            .map_or("UNKNOWN", types::HealthStatus::as_str)
            .to_owned(),
    })
}

fn read(task: &types::Task) -> Option<Task> {
    let arn = TaskArn::parse(task.task_arn()?)?;
    let interfaces = task.containers().iter().flat_map(|c| c.network_interfaces());
    Some(Task {
        cluster: task.cluster_arn().map(str::to_owned).or_else(|| arn.cluster_arn())?,
        group: task.group().unwrap_or_default().to_owned(),
        version: u64::try_from(task.version()).ok()?,
        phase: Phase::of(task.last_status()?, task.desired_status()?),
        address: first_address(interfaces.filter_map(|interface| interface.ipv6_address())),
        origin: Some(Origin {
            started_by: task.started_by().unwrap_or_default().to_owned(),
            zone: task.availability_zone().unwrap_or_default().to_owned(),
            created: task.created_at().and_then(|at| SystemTime::try_from(*at).ok()),
            started: task.started_at().and_then(|at| SystemTime::try_from(*at).ok()),
        }),
        arn,
    })
}
