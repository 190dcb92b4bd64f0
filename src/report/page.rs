//! The status page: a CloudWatch dashboard's custom widget as one piece of HTML, without scripts
//! (CloudWatch user guide, "Custom widget"). Pure: from what was found to text.

mod findings;
mod group;
pub mod html;
mod legend;
mod links;
mod row;
mod summary;
mod time;
mod todo;

use std::net::Ipv6Addr;
use std::time::SystemTime;

use crate::core::binding::TargetGroupArn;
use crate::core::health::Health;
use crate::core::task::{Phase, TaskArn};
use crate::core::verdict::{Because, Would};
use group::{Room, groups};
use html::Html;

/// What the page is about.
#[derive(Clone, Debug)]
pub struct Page {
    /// The function's name.
    pub function: String,
    /// The region of the function and its target groups.
    pub region: String,
    /// When everything was read.
    pub now: SystemTime,
    /// Whether the function writes nothing.
    pub dry_run: bool,
    /// The target groups.
    pub groups: Vec<Group>,
    /// Target groups that were not reached in time.
    pub left: usize,
    /// Target groups of other accounts, which are not shown.
    pub elsewhere: usize,
    /// What failed and concerns no single target group.
    pub failures: Vec<String>,
    /// Services in deployment.
    pub rollouts: Vec<Rollout>,
    /// What the doctor found.
    pub findings: Vec<Finding>,
    /// Bindings that the doctor did not examine.
    pub unexamined: usize,
}

/// A target group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its ARN.
    pub arn: TargetGroupArn,
    /// Its bindings, for people.
    pub bindings: Vec<String>,
    /// Its targets, and those that it lacks.
    pub rows: Vec<Row>,
    /// What could not be read of it.
    pub failures: Vec<String>,
}

/// A target, or the lack of one.
#[derive(Clone, Debug)]
pub struct Row {
    /// The task whose target it is.
    pub task: Option<TaskArn>,
    /// The address.
    pub id: Option<Ipv6Addr>,
    /// The port.
    pub port: Option<u16>,
    /// When the task came to run.
    pub since: Option<SystemTime>,
    /// The phase of the task's life.
    pub phase: Option<Phase>,
    /// What ELB says of the target.
    pub health: Option<Health>,
    /// What the next reconcile does about it.
    pub would: Would,
    /// Why.
    pub because: Because,
    /// Until when the task is protected from being stopped by a deployment.
    pub held: Option<SystemTime>,
}

/// A service in deployment.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// The service's name.
    pub service: String,
    /// How many tasks it should run.
    pub desired: usize,
    /// New tasks whose targets are all healthy.
    pub ready: usize,
    /// New tasks that wait for some target.
    pub waiting: usize,
    /// Tasks of older deployments.
    pub old: usize,
    /// How many of these are protected from being stopped, if any are.
    pub held: Option<usize>,
}

/// What the doctor found in one check.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its result.
    pub level: Level,
    /// The binding, for people.
    pub binding: String,
    /// The check's name.
    pub check: &'static str,
    /// What was found.
    pub detail: String,
    /// How to fix it.
    pub fix: String,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Pass,
    /// It works, with a drawback.
    Warn,
    /// It does not work.
    Fail,
}

/// How the page is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Light or dark; `None` leaves it to the browser.
    pub theme: Option<Theme>,
    /// The reader's time, in minutes east of UTC.
    pub offset: i32,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on light ground.
    Light,
    /// Light text on dark ground.
    Dark,
}

const STYLE: &str = concat!("<style>", include_str!("page/style.css"), "</style>");

/// What CloudWatch shows of the widget when it is asked for its documentation.
pub const DESCRIPTION: &str = include_str!("page/description.md");

/// The page as HTML.
pub fn render(page: &Page, look: Look) -> String {
    let mut html = Html::new(look.offset, page.now);
    html.raw("<div class=\"cwdb-no-default-styles e6");
    html.raw(match look.theme {
        Some(Theme::Light) => " light",
        Some(Theme::Dark) => " dark",
        None => "",
    });
    html.raw("\">");
    html.raw(STYLE);
    let todos = todo::todos(page);
    summary::header(&mut html, page, &todos);
    todo::list(&mut html, &todos);
    let mut room = Room::default();
    groups(&mut html, page, &mut room);
    findings::section(&mut html, page);
    legend::section(&mut html);
    html.raw("</div>");
    html.into_text()
}

#[cfg(test)]
mod tests;
