//! What the words mean, for who sees the page for the first time.

use crate::report::page::html::Html;
use crate::report::page::row::Condition;

const WORDS: [(Condition, &str); 11] = [
    (Condition::Healthy, "The load balancer sends it IPv6 clients."),
    (Condition::Initial, "Registered; its first health checks have not passed yet."),
    (Condition::Unhealthy, "Registered, but its health checks fail."),
    (Condition::Unused, "Registered, but no listener forwards to its target group."),
    (Condition::Missing, "The task runs and is not registered."),
    (Condition::NoAddress, "The task runs without an IPv6 address."),
    (Condition::Starting, "The task does not run yet."),
    (Condition::Draining, "Deregistered; its last connections come to an end."),
    (Condition::LeftOver, "Its task is leaving or gone, and it is still registered."),
    (Condition::Unowned, "Registered, and no task of a binding explains it."),
    (Condition::Unclear, "Registered; whose it is could not be read."),
];

/// The words, folded.
pub fn section(html: &mut Html) {
    html.raw("<footer><details><summary>What the words mean</summary><dl class=words>");
    for (condition, meaning) in WORDS {
        html.raw("<div><dt>");
        html.chip(condition.tone(), condition.word());
        html.raw("<dd>");
        html.raw(meaning);
        html.raw("</div>");
    }
    html.raw("</dl></details><p>This page only reads. For one task, ask the function for ");
    html.raw("<code>{\"action\":\"explain\",\"task\":\"ID\"}</code>.</footer>");
}
