//! A section for each target group: what is wrong in its table, and the rest folded below it.

use std::collections::BTreeMap;

use crate::report::page::html::{Html, Tone};
use crate::report::page::row::{Condition, long, short};
use crate::report::page::{Group, Page, Row, links};

/// How many target groups have a section of their own.
const SECTIONS: usize = 40;

/// A table with no more rows than this is shown as a whole.
const SMALL: usize = 12;

/// How many rows the page still has room for. CloudWatch does not say how large a widget may be;
/// with these numbers it stays below 200 KB.
pub struct Room {
    long: usize,
    short: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { long: 100, short: 1_000 }
    }
}

impl Group {
    /// How many of its targets are of each condition.
    pub fn conditions(&self) -> BTreeMap<Condition, usize> {
        let mut conditions = BTreeMap::new();
        for row in &self.rows {
            *conditions.entry(row.condition()).or_default() += 1;
        }
        conditions
    }

    /// How bad the worst thing about it is.
    pub fn tone(&self) -> Tone {
        let worst = self.rows.iter().map(|row| row.condition().tone()).min();
        if self.failures.is_empty() { worst.unwrap_or(Tone::Idle) } else { Tone::Bad }
    }
}

/// The sections of the target groups, the worst first.
pub fn groups(html: &mut Html, page: &Page, room: &mut Room) {
    let mut groups: Vec<&Group> = page.groups.iter().collect();
    groups.sort_by_key(|group| (group.tone(), group.arn.name()));
    let (own, rest) = groups.split_at(groups.len().min(SECTIONS));
    for group in own {
        section(html, group, page.dry_run, room);
    }
    if !rest.is_empty() {
        html.raw("<section><h2>");
        html.count(rest.len(), "more target group");
        html.raw("</h2>");
        for group in rest.iter().take(room.short) {
            html.raw("<p>");
            html.text(group.arn.name());
            counts(html, group);
        }
        html.raw("</section>");
    }
    if page.elsewhere > 0 {
        html.raw("<section><p>");
        html.count(page.elsewhere, "target group");
        html.raw(" of other accounts: not shown, because this page assumes no roles. Ask the ");
        html.raw("function for a plan.</section>");
    }
}

fn section(html: &mut Html, group: &Group, dry_run: bool, room: &mut Room) {
    html.raw("<section><header><h2>");
    match links::target_group(&group.arn) {
        Some(address) => html.link(&address, group.arn.name()),
        None => html.text(group.arn.name()),
    }
    html.raw("</h2>");
    counts(html, group);
    html.raw("</header><p class=from>");
    html.text(&group.bindings.join(", "));
    for failure in &group.failures {
        html.raw("<p class=failure>");
        html.chip(Tone::Bad, "not read");
        html.raw(" ");
        html.text(failure);
    }
    let mut rows: Vec<&Row> = group.rows.iter().collect();
    rows.sort_by_key(|row| (row.condition(), row.since, &row.task, row.id));
    let is_open = |row: &Row| rows.len() <= SMALL || row.condition() != Condition::Healthy;
    let open = rows.iter().filter(|row| is_open(row)).count().min(room.long);
    let (open, folded) = rows.split_at(open);
    room.long -= open.len();
    if !open.is_empty() {
        table(html, group, "", |html| open.iter().for_each(|row| long(html, row, dry_run)));
    } else if rows.is_empty() && group.failures.is_empty() {
        html.raw("<p>No target, and no task that should have one.");
    }
    if !folded.is_empty() {
        fold(html, group, folded, room);
    }
    html.raw("</section>");
}

fn fold(html: &mut Html, group: &Group, rows: &[&Row], room: &mut Room) {
    let healthy = rows.iter().filter(|row| row.condition() == Condition::Healthy).count();
    html.raw("<details><summary>");
    if healthy == rows.len() {
        html.count(rows.len(), "healthy target");
    } else {
        html.count(rows.len(), "more target");
    }
    html.raw("</summary>");
    let shown = &rows[..rows.len().min(room.short)];
    room.short -= shown.len();
    table(html, group, ", continued", |html| shown.iter().for_each(|row| short(html, row)));
    if shown.len() < rows.len() {
        html.raw("<p>And ");
        html.number(rows.len() - shown.len());
        html.raw(" more.");
    }
    html.raw("</details>");
}

fn table(html: &mut Html, group: &Group, continued: &'static str, rows: impl FnOnce(&mut Html)) {
    html.raw("<table><caption>Targets of ");
    html.text(group.arn.name());
    html.raw(continued);
    html.raw("</caption><thead><tr><th scope=col>Task<th scope=col>Address<th scope=col>Port");
    html.raw("<th scope=col>Running since<th scope=col>State</thead><tbody>");
    rows(html);
    html.raw("</tbody></table>");
}

fn counts(html: &mut Html, group: &Group) {
    html.raw("<span class=counts>");
    for (condition, count) in group.conditions() {
        html.raw(" ");
        html.chip(condition.tone(), &format!("{count} {}", condition.word()));
    }
    if !group.failures.is_empty() {
        html.raw(" ");
        html.chip(Tone::Bad, "not read");
    }
    html.raw("</span>");
}
