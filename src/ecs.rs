//! Thin adapter over Amazon ECS: DescribeTasks, by pages.

use std::collections::BTreeMap;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types;
use futures_util::stream::{self, StreamExt};
use tracing::debug;

use crate::call::{CallError, within};
use crate::deadline::Deadline;
use crate::event::first_address;
use crate::task::{Phase, Task, TaskArn};

/// The most tasks that one DescribeTasks takes (ECS API reference, DescribeTasks).
const PAGE: usize = 100;

/// Calls under way at the same time; ECS allows 20 reads a second (ECS developer guide,
/// "Request throttling for the Amazon ECS API").
const CONCURRENT: usize = 4;

/// What ECS says of one task.
pub type Answer = Result<Option<Task>, CallError>;

/// Reads tasks.
#[derive(Clone, Debug)]
pub struct Ecs {
    client: Client,
}

impl Ecs {
    /// An adapter over this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Asks for the newest state of tasks, named by cluster and ARN: one call per cluster and
    /// hundred tasks. `Ok(None)` is a task that ECS does not know, which for a task that ran
    /// means that it stopped more than an hour ago. A call that fails is the answer for the tasks
    /// it asked for, and for no others.
    pub async fn describe_tasks<'a>(
        &self,
        tasks: impl Iterator<Item = (&'a str, &'a TaskArn)>,
        deadline: Deadline,
    ) -> BTreeMap<TaskArn, Answer> {
        let mut by_cluster = BTreeMap::<&str, Vec<&TaskArn>>::new();
        for (cluster, arn) in tasks {
            by_cluster.entry(cluster).or_default().push(arn);
        }
        let pages: Vec<(&str, &[&TaskArn])> = by_cluster
            .iter()
            .flat_map(|(cluster, arns)| arns.chunks(PAGE).map(|page| (*cluster, page)))
            .collect();
        let answers = stream::iter(pages)
            .map(|(cluster, page)| self.describe_page(cluster, page, deadline))
            .buffer_unordered(CONCURRENT);
        answers.flat_map(stream::iter).collect().await
    }

    async fn describe_page(
        &self,
        cluster: &str,
        page: &[&TaskArn],
        deadline: Deadline,
    ) -> BTreeMap<TaskArn, Answer> {
        debug!(cluster, tasks = page.len(), "DescribeTasks");
        let arns = page.iter().map(|arn| arn.as_str().to_owned()).collect();
        let call = self.client.describe_tasks().cluster(cluster).set_tasks(Some(arns)).send();
        let (tasks, failures) = match within(deadline, call).await {
            Ok(answer) => (answer.tasks.unwrap_or_default(), answer.failures.unwrap_or_default()),
            Err(error) => {
                return page.iter().map(|arn| ((*arn).clone(), Err(error.clone()))).collect();
            }
        };
        let mut found: BTreeMap<TaskArn, Answer> =
            tasks.iter().filter_map(read).map(|task| (task.arn.clone(), Ok(Some(task)))).collect();
        for arn in page {
            found.entry((*arn).clone()).or_insert_with(|| missing(arn, &failures));
        }
        found
    }
}

fn missing(arn: &TaskArn, failures: &[types::Failure]) -> Answer {
    let failure = failures.iter().find(|failure| {
        let named = failure.arn().unwrap_or_default();
        named == arn.as_str() || named == arn.id()
    });
    match failure.map(|failure| failure.reason().unwrap_or_default()) {
        Some("MISSING") => Ok(None),
        Some(reason) => Err(CallError::new("DescribeTasksFailed", reason)),
        None => Err(CallError::new("DescribeTasksFailed", "ECS left the task out of its answer")),
    }
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
        arn,
    })
}
