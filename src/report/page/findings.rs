//! What the doctor found, folded.

use crate::report::page::html::{Html, Tone};
use crate::report::page::{Finding, Level, Page};

/// A section that names the failures and warnings, and how to fix them.
pub fn section(html: &mut Html, page: &Page) {
    let count = |level| page.findings.iter().filter(|finding| finding.level == level).count();
    let (fail, warn, pass) = (count(Level::Fail), count(Level::Warn), count(Level::Pass));
    html.raw("<section><header><h2>Checks of the setup</h2><span class=counts>");
    for (tone, count, word) in
        [(Tone::Bad, fail, "failed"), (Tone::Odd, warn, "to look at"), (Tone::Good, pass, "passed")]
    {
        if count > 0 {
            html.raw(" ");
            html.chip(tone, &format!("{count} {word}"));
        }
    }
    html.raw("</span></header>");
    if fail + warn > 0 {
        html.raw("<details><summary>");
        html.count(fail + warn, "check");
        html.raw(" did not pass</summary><ul class=todo>");
        for level in [Level::Fail, Level::Warn] {
            let of_level = page.findings.iter().filter(|finding| finding.level == level);
            of_level.for_each(|finding| item(html, finding));
        }
        html.raw("</ul></details>");
    } else if page.findings.is_empty() {
        html.raw("<p>Nothing was examined.");
    }
    if page.unexamined > 0 {
        html.raw("<p>");
        html.count(page.unexamined, "binding");
        html.raw(" not examined here: ask the function for {\"action\":\"doctor\"}.");
    }
    html.raw("</section>");
}

fn item(html: &mut Html, finding: &Finding) {
    html.raw("<li>");
    match finding.level {
        Level::Fail => html.chip(Tone::Bad, "failed"),
        Level::Warn => html.chip(Tone::Odd, "look"),
        Level::Pass => html.chip(Tone::Good, "passed"),
    }
    html.raw("<div><p><strong>");
    html.raw(finding.check);
    html.raw("</strong> ");
    html.text(&finding.detail);
    if !finding.fix.is_empty() {
        html.raw("<p class=then>Fix: ");
        html.text(&finding.fix);
    }
    html.raw("<p class=from>");
    html.text(&finding.binding);
    html.raw("</div>");
}
