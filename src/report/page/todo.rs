//! What to do: everything that is wrong or under way, each with what helps.

use std::collections::BTreeMap;

use crate::core::verdict::Would;
use crate::report::page::html::{Html, Tone};
use crate::report::page::row::Condition;
use crate::report::page::{Finding, Group, Level, Page, Rollout};

/// How many things are listed.
const LISTED: usize = 30;

/// One thing that is wrong or under way.
pub struct Todo {
    /// Whether somebody has to act, should look, or only has to wait.
    pub tone: Tone,
    /// What it is.
    what: String,
    /// What to do about it.
    then: String,
}

/// Everything that is wrong or under way, the worst first.
pub fn todos(page: &Page) -> Vec<Todo> {
    let mut todos = Vec::new();
    for failure in &page.failures {
        todos.push(todo(Tone::Bad, failure, "Until it can be read, nothing is removed anywhere."));
    }
    for group in &page.groups {
        of_group(group, page.dry_run, &mut todos);
    }
    if page.left > 0 {
        let what = format!("{} target groups could not be read in time", page.left);
        todos.push(todo(Tone::Odd, &what, "Load the page again, or ask for a plan."));
    }
    todos.extend(of_findings(&page.findings));
    todos.extend(page.rollouts.iter().map(of_rollout));
    if page.dry_run {
        let then = "Set DRY_RUN to false (the template's parameter DryRun) if it should.";
        todos.push(todo(Tone::Odd, "The function writes nothing, because DRY_RUN is set", then));
    }
    todos.sort_by_key(|todo| todo.tone);
    todos
}

/// The list; nothing if there is nothing to say.
pub fn list(html: &mut Html, todos: &[Todo]) {
    if todos.is_empty() {
        return;
    }
    html.raw("<section><h2>What to do</h2><ul class=todo>");
    for Todo { tone, what, then } in todos.iter().take(LISTED) {
        html.raw("<li>");
        html.chip(*tone, word(*tone));
        html.raw("<div><p>");
        html.text(what);
        html.raw("<p class=then>");
        html.text(then);
        html.raw("</div>");
    }
    if todos.len() > LISTED {
        html.raw("<li>And ");
        html.number(todos.len() - LISTED);
        html.raw(" more.");
    }
    html.raw("</ul></section>");
}

fn word(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "act",
        Tone::Odd => "look",
        Tone::Wait | Tone::Idle | Tone::Good => "wait",
    }
}

fn todo(tone: Tone, what: &str, then: &str) -> Todo {
    Todo { tone, what: what.to_owned(), then: then.to_owned() }
}

fn of_group(group: &Group, dry_run: bool, todos: &mut Vec<Todo>) {
    let name = group.arn.name();
    for failure in &group.failures {
        let then = "Fix this first: the checks below name the missing permission or the mistake in \
                    the binding. Nothing is removed from the group meanwhile.";
        todos.push(todo(Tone::Bad, &format!("{name} could not be read: {failure}"), then));
    }
    let mut counts = BTreeMap::<(Condition, bool), usize>::new();
    for row in &group.rows {
        *counts.entry((row.condition(), row.would != Would::Nothing)).or_default() += 1;
    }
    for ((condition, changes), count) in counts {
        let Some((one, many, then)) = words(condition) else { continue };
        let what = match count {
            1 => format!("{name}: 1 {one}"),
            _ => format!("{name}: {count} {many}"),
        };
        todos.push(match (changes, dry_run) {
            (false, _) => todo(condition.tone(), &what, then),
            (true, true) => todo(condition.tone(), &what, "Nothing happens while DRY_RUN is set."),
            (true, false) => todo(
                Tone::Wait,
                &what,
                "The next reconcile puts it right. If it stays, the checks below or the function's \
                 log say why, or no reconcile runs.",
            ),
        });
    }
}

/// What is wrong with one target and with several, and what to do.
fn words(condition: Condition) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match condition {
        Condition::Unhealthy => (
            "target fails its health checks and gets no clients",
            "targets fail their health checks and get no clients",
            "See that the container listens on [::] and not only on 0.0.0.0, and that its security \
             group lets IPv6 in on the target's port and the health check's.",
        ),
        Condition::Missing => (
            "running task is not registered",
            "running tasks are not registered",
            "Give the binding its port: the target group's own could not be read.",
        ),
        Condition::NoAddress => (
            "running task has no IPv6 address",
            "running tasks have no IPv6 address",
            "Run the tasks with network mode awsvpc in dual-stack subnets, and turn on the account \
             setting dualStackIPv6.",
        ),
        Condition::Unused => (
            "target gets no clients, because nothing forwards to its group",
            "targets get no clients, because nothing forwards to their group",
            "Let a listener forward to the target group: of a dual-stack Network Load Balancer, or of \
             a VPC Lattice service.",
        ),
        Condition::LeftOver => (
            "target is left over from a task that is leaving or gone",
            "targets are left over from tasks that are leaving or gone",
            "The function may not remove it now; the table below says why.",
        ),
        Condition::Unowned => (
            "target belongs to no task of a binding",
            "targets belong to no task of a binding",
            "It is left alone. If nobody needs it, deregister it (runbook: Unowned).",
        ),
        Condition::Initial => (
            "new target waits for its first health checks",
            "new targets wait for their first health checks",
            "A Network Load Balancer takes one to three minutes until it sends clients.",
        ),
        // What could not be read is on the list by itself.
        Condition::Unclear | Condition::Starting | Condition::Draining | Condition::Healthy => {
            return None;
        }
    })
}

/// The checks are below, each with its fix.
fn of_findings(findings: &[Finding]) -> Option<Todo> {
    let failed = findings.iter().filter(|finding| finding.level == Level::Fail);
    let mut names = Vec::<&str>::new();
    for finding in failed.clone() {
        if !names.contains(&finding.check) {
            names.push(finding.check);
        }
    }
    let names = names.join(", ");
    let what = match failed.count() {
        0 => return None,
        1 => format!("A check of the setup failed: {names}"),
        count => format!("{count} checks of the setup failed: {names}"),
    };
    Some(todo(Tone::Bad, &what, "Open the checks below: each names its fix."))
}

fn of_rollout(rollout: &Rollout) -> Todo {
    let Rollout { service, desired, ready, waiting, old, held } = rollout;
    let what = format!(
        "{service} is being deployed: {ready} of {desired} new tasks get IPv6 clients, {waiting} \
         wait for it, {old} old ones run"
    );
    let then = match held {
        Some(1) => "One old task is kept until the targets of the new ones are healthy.".to_owned(),
        Some(held) => {
            format!("{held} old tasks are kept until the targets of the new ones are healthy.")
        }
        None => "No old task is kept until the targets of the new ones are healthy.".to_owned(),
    };
    Todo { tone: Tone::Wait, what, then }
}
