//! The top of the page: who is served, in one sentence and a few numbers.

use std::collections::BTreeMap;

use crate::core::task::TaskArn;
use crate::report::page::html::{Html, Tone};
use crate::report::page::row::Condition;
use crate::report::page::todo::Todo;
use crate::report::page::{Level, Page};

/// The tasks that should get IPv6 clients, and how many do.
struct Served {
    tasks: usize,
    served: usize,
    /// How many of the others only wait for their first health checks.
    waiting: usize,
}

impl Served {
    /// A task is served if all its targets are healthy.
    fn of(page: &Page) -> Self {
        let rows = page.groups.iter().flat_map(|group| &group.rows);
        let mut tasks = BTreeMap::<&TaskArn, Condition>::new();
        for row in rows.filter(|row| row.is_serving()) {
            let Some(task) = &row.task else { continue };
            let worst = tasks.entry(task).or_insert(Condition::Healthy);
            *worst = row.condition().min(*worst);
        }
        let count = |of| tasks.values().filter(|worst| **worst == of).count();
        let (served, waiting) = (count(Condition::Healthy), count(Condition::Initial));
        Self { tasks: tasks.len(), served, waiting }
    }

    fn tone(&self, page: &Page) -> Tone {
        let has_finding = page.findings.iter().any(|finding| finding.level == Level::Fail);
        let worst = page.groups.iter().map(|group| group.tone());
        match () {
            () if is_partial(page) || has_finding => Tone::Bad,
            () if self.served + self.waiting < self.tasks => Tone::Bad,
            () if page.dry_run || self.tasks == 0 => Tone::Odd,
            () => worst.filter(|tone| *tone != Tone::Idle).min().unwrap_or(Tone::Good),
        }
    }
}

/// Title, time, and the answer to the first question.
pub fn header(html: &mut Html, page: &Page, todos: &[Todo]) {
    html.raw("<header class=top><h1>IPv6 targets</h1><p>");
    html.text(&page.function);
    html.raw(" · ");
    html.text(&page.region);
    html.raw(" · ");
    html.now();
    html.raw("</header>");
    let served = Served::of(page);
    html.raw("<div class=\"answer ");
    html.raw(served.tone(page).class());
    html.raw("\"><p>");
    if is_partial(page) {
        html.raw("As far as could be read: ");
    }
    sentence(html, &served);
    html.raw("<p>");
    needs(html, todos);
    html.raw("</div>");
    numbers(html, page, &served);
}

/// Whether something could not be read.
fn is_partial(page: &Page) -> bool {
    !page.failures.is_empty() || page.groups.iter().any(|group| !group.failures.is_empty())
}

fn sentence(html: &mut Html, served: &Served) {
    match served {
        Served { tasks: 0, .. } => html.raw("No task is running that should get IPv6 clients"),
        Served { tasks: 1, served: 1, .. } => html.raw("The one running task gets IPv6 clients"),
        Served { tasks: 1, waiting: 0, .. } => {
            html.raw("The one running task gets no IPv6 clients");
        }
        Served { tasks: 1, .. } => {
            html.raw("The one running task waits for its first health checks");
        }
        Served { tasks, served, .. } if tasks == served => {
            html.raw("All ");
            html.number(*tasks);
            html.raw(" running tasks get IPv6 clients");
        }
        Served { tasks, served, waiting } => {
            html.number(*served);
            html.raw(" of ");
            html.number(*tasks);
            html.raw(" running tasks");
            html.raw(if *served == 1 { " gets IPv6 clients" } else { " get IPv6 clients" });
            if served + waiting == *tasks {
                html.raw("; the others wait for their first health checks");
            }
        }
    }
}

/// Whether anybody has to do anything.
fn needs(html: &mut Html, todos: &[Todo]) {
    let count = |of: Tone| todos.iter().filter(|todo| todo.tone == of).count();
    let (act, look) = (count(Tone::Bad), count(Tone::Odd));
    let wait = todos.len() - act - look;
    if act + look == 0 {
        html.raw(if wait == 0 { "Nothing to do" } else { "Nothing to do but wait: " });
    }
    let mut is_first = true;
    for (count, noun, one, many) in [
        (act, "thing", " needs somebody", " need somebody"),
        (look, "thing", " should be looked at", " should be looked at"),
        (wait, "thing", " comes right by itself", " come right by themselves"),
    ] {
        if count > 0 {
            html.raw(if is_first { "" } else { ", " });
            html.count(count, noun);
            html.raw(if count == 1 { one } else { many });
            is_first = false;
        }
    }
    html.raw(".");
}

fn numbers(html: &mut Html, page: &Page, served: &Served) {
    let mut conditions = BTreeMap::<Condition, usize>::new();
    for (condition, count) in page.groups.iter().flat_map(|group| group.conditions()) {
        *conditions.entry(condition).or_default() += count;
    }
    html.raw("<dl class=numbers>");
    number(html, "running tasks", served.tasks, "");
    for (of, label, class) in [
        (&[Condition::Healthy][..], "targets healthy", "good"),
        (&[Condition::Initial], "waiting", "wait"),
        (&[Condition::Missing, Condition::NoAddress], "not registered", "bad"),
        (&[Condition::Unhealthy, Condition::Unused], "failing or unused", "bad"),
        (&[Condition::LeftOver, Condition::Unowned], "surplus", "odd"),
        (&[Condition::Draining], "draining", "idle"),
    ] {
        let count = of.iter().filter_map(|condition| conditions.get(condition)).sum();
        number(html, label, count, if count == 0 { "zero" } else { class });
    }
    html.raw("</dl>");
}

fn number(html: &mut Html, label: &'static str, count: usize, class: &'static str) {
    html.raw("<div class=\"");
    html.raw(class);
    html.raw("\"><dt>");
    html.raw(label);
    html.raw("<dd>");
    html.number(count);
    html.raw("</div>");
}
