use std::time::Duration;

use super::*;
use crate::core::fixtures::{group, task_arn};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

/// A healthy target of a serving task.
fn healthy(number: u16) -> Row {
    Row {
        task: Some(task_arn(&format!("{number:032x}"))),
        id: Some(Ipv6Addr::new(0x2001, 0xdb8, 0x1234, 0x1a00, 0x9691, 0x9503, 0x25ad, number)),
        port: Some(8080),
        since: Some(NOW - Duration::from_secs(100_000)),
        phase: Some(Phase::Serving),
        health: Some(Health { state: "healthy".to_owned(), reason: String::new() }),
        would: Would::Nothing,
        because: Because::InStep,
        held: None,
    }
}

fn in_state(state: &str, reason: &str) -> Row {
    let health = Health { state: state.to_owned(), reason: reason.to_owned() };
    Row { health: Some(health), ..healthy(1) }
}

fn missing() -> Row {
    Row { health: None, would: Would::Register, because: Because::Missing, ..healthy(1) }
}

fn unowned() -> Row {
    Row { task: None, phase: None, because: Because::Unowned, ..healthy(2) }
}

fn page(rows: Vec<Row>) -> Page {
    let bindings = vec!["service:demo in demo-cluster → demo-ipv6".to_owned()];
    let group = Group { arn: group("demo-ipv6"), bindings, rows, failures: Vec::new() };
    Page {
        function: "local".to_owned(),
        region: "us-east-2".to_owned(),
        now: NOW,
        dry_run: false,
        groups: vec![group],
        left: 0,
        elsewhere: 0,
        failures: Vec::new(),
        rollouts: Vec::new(),
        findings: Vec::new(),
        unexamined: 0,
    }
}

fn shown(page: &Page) -> String {
    render(page, Look::default())
}

/// The answer at the top, with its tone.
fn answer(page: &Page) -> (String, String) {
    let html = shown(page);
    let (_, rest) = html.split_once("<div class=\"answer ").unwrap();
    let (tone, rest) = rest.split_once("\"><p>").unwrap();
    (tone.to_owned(), rest.split_once("<p>").unwrap().0.to_owned())
}

#[test]
fn the_answer_says_who_is_served_and_how_bad_that_is() {
    let waiting = || in_state("initial", "Elb.RegistrationInProgress");
    let other = || healthy(7);
    for (rows, tone, sentence) in [
        (vec![], "odd", "No task is running that should get IPv6 clients"),
        (vec![healthy(1)], "good", "The one running task gets IPv6 clients"),
        (vec![healthy(1), other()], "good", "All 2 running tasks get IPv6 clients"),
        (
            vec![waiting(), other()],
            "wait",
            "1 of 2 running tasks gets IPv6 clients; the others wait for their first health checks",
        ),
        (vec![missing(), other()], "bad", "1 of 2 running tasks gets IPv6 clients"),
        (vec![waiting()], "wait", "The one running task waits for its first health checks"),
        (vec![in_state("unhealthy", "")], "bad", "The one running task gets no IPv6 clients"),
        (
            vec![in_state("unused", "Target.NotInUse")],
            "bad",
            "The one running task gets no IPv6 clients",
        ),
        (vec![healthy(1), unowned()], "odd", "The one running task gets IPv6 clients"),
        // One of two targets of a task is not enough.
        (vec![healthy(1), missing()], "bad", "The one running task gets no IPv6 clients"),
    ] {
        assert_eq!(answer(&page(rows)), (tone.to_owned(), sentence.to_owned()));
    }
}

#[test]
fn what_could_not_be_read_or_is_not_written_is_never_called_good() {
    let good = || page(vec![healthy(1)]);
    let mut unread = good();
    unread.groups[0].failures.push("denied".to_owned());
    let finding = Finding {
        level: Level::Fail,
        binding: String::new(),
        check: "quota",
        detail: String::new(),
        fix: String::new(),
    };
    for (page, tone) in [
        (good(), "good"),
        (unread, "bad"),
        (Page { failures: vec!["denied".to_owned()], ..good() }, "bad"),
        (Page { findings: vec![finding.clone()], ..good() }, "bad"),
        (Page { findings: vec![Finding { level: Level::Warn, ..finding }], ..good() }, "good"),
        (Page { dry_run: true, ..good() }, "odd"),
    ] {
        assert_eq!(answer(&page).0, tone);
    }
}

#[test]
fn a_row_says_in_words_what_its_colour_says() {
    for (row, chip, words) in [
        (healthy(1), "<b class=good>healthy</b>", "healthy"),
        (in_state("initial", "Elb.R"), "<b class=wait>initial</b>", "<code>Elb.R</code>"),
        (
            in_state("unhealthy", "Target.FailedHealthChecks"),
            "<b class=bad>unhealthy</b>",
            "its health checks fail <code>Target.FailedHealthChecks</code>",
        ),
        (in_state("unhealthy.draining", ""), "<b class=bad>unhealthy</b>", "health checks fail"),
        (in_state("something new", "X"), "<b class=bad>unhealthy</b>", "something new"),
        (in_state("unavailable", ""), "<b class=good>healthy</b>", "health checks are off"),
        (missing(), "<b class=bad>missing</b>", "registered. The next reconcile registers it."),
        (
            Row { because: Because::DrainsButServes, ..in_state("draining", "") },
            "<b class=bad>missing</b>",
            "the task serves, and its target drains",
        ),
        (unowned(), "<b class=odd>unowned</b>", "no task"),
        (
            Row { because: Because::Unclear, ..unowned() },
            "<b class=odd>unclear</b>",
            "whose target it is is not known",
        ),
        (
            Row { would: Would::Deregister, because: Because::LeftOver, ..healthy(1) },
            "<b class=odd>left over</b>",
            "The next reconcile deregisters it.",
        ),
        (
            Row { because: Because::NoAddress, id: None, ..missing() },
            "<b class=bad>no address</b>",
            "the task has no IPv6 address",
        ),
        (
            Row { because: Because::NotRunning, ..missing() },
            "<b class=idle>starting</b>",
            "run yet",
        ),
        (Row { because: Because::Left, ..healthy(1) }, "<b class=idle>draining</b>", "leaving"),
    ] {
        let html = shown(&page(vec![row]));
        let body = html.split_once("<tbody>").unwrap().1.split_once("</tbody>").unwrap().0;
        assert!(body.contains(chip) && body.contains(words), "{chip}, {words}: {body}");
    }
}

#[test]
fn under_dry_run_nothing_is_promised() {
    let html = shown(&Page { dry_run: true, ..page(vec![missing()]) });
    assert!(!html.contains("The next reconcile registers it."));
    assert!(!html.contains("puts it right"));
    assert!(html.contains("DRY_RUN is set"));
}

#[test]
fn markup_from_outside_stays_text_wherever_it_comes_from() {
    const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=y>&\u{202e}\u{7}";
    let text = || HOSTILE.to_owned();
    let arn = "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e";
    let mut row = in_state(HOSTILE, HOSTILE);
    row.task = TaskArn::parse(arn);
    let mut page = page(vec![row, in_state("initial", HOSTILE)]);
    page.function = text();
    page.region = text();
    page.failures = vec![text()];
    page.groups[0].bindings = vec![text()];
    page.groups[0].failures = vec![text()];
    let finding =
        |level| Finding { level, binding: text(), check: "quota", detail: text(), fix: text() };
    page.findings = vec![finding(Level::Fail), finding(Level::Warn)];
    let rollout =
        Rollout { service: text(), desired: 1, ready: 0, waiting: 1, old: 1, held: Some(1) };
    page.rollouts = vec![rollout];
    let html = shown(&page);
    for forbidden in ["<script", "<img", "\u{202e}", "\u{7}", "'>"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    // Each is there all the same: state and two reasons, and eleven other places, two of them for
    // the group's failure.
    assert_eq!(html.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count(), 16);
}

#[test]
fn a_thousand_targets_stay_below_two_hundred_kilobytes() {
    let all = |row: &dyn Fn(u16) -> Row| shown(&page((0..1_000).map(row).collect()));
    let unhealthy = |number| Row {
        health: in_state("unhealthy", "Target.FailedHealthChecks").health,
        held: Some(NOW),
        ..healthy(number)
    };
    for html in [all(&healthy), all(&unhealthy)] {
        assert!(html.len() < 200_000, "{}", html.len());
        assert_eq!(html.matches("<tr><th scope=row>").count(), 1_000);
    }
    let most = shown(&page((0..5_000).map(unhealthy).collect()));
    assert!(most.len() < 220_000, "{}", most.len());
    assert!(most.contains("And 3900 more."));
}

#[test]
fn many_target_groups_are_shown_the_worst_first() {
    let mut page = page(vec![healthy(1)]);
    let named = |name: String, rows| Group { arn: group(&name), rows, ..page.groups[0].clone() };
    let mut groups: Vec<Group> =
        (0..60).map(|number| named(format!("g{number}"), vec![healthy(1)])).collect();
    groups.push(named("the-worst".to_owned(), vec![missing()]));
    page.groups = groups;
    let html = shown(&page);
    assert!(html.find("the-worst</a>").unwrap() < html.find(">g0</a>").unwrap());
    assert!(html.contains("21 more target groups"));
}

#[test]
fn links_lead_to_the_console_of_the_partition() {
    let html = shown(&page(vec![healthy(1)]));
    let id = format!("{:032x}", 1);
    let task =
        format!("https://us-east-2.console.aws.amazon.com/ecs/v2/clusters/demo-cluster/tasks/{id}");
    assert!(html.contains(&format!("href=\"{task}\"")), "{html}");
    let group = group("demo-ipv6");
    let place = format!("ec2/home?region=us-east-2#TargetGroup:targetGroupArn={group}");
    assert!(html.contains(&format!("href=\"https://us-east-2.console.aws.amazon.com/{place}\"")));
    for (partition, domain) in
        [("aws-cn", "console.amazonaws.cn"), ("aws-us-gov", "console.amazonaws-us-gov.com")]
    {
        let elsewhere = group.as_str().replace(":aws:", &format!(":{partition}:"));
        let link = links::target_group(&TargetGroupArn::parse(&elsewhere).unwrap());
        assert!(link.unwrap().starts_with(&format!("https://us-east-2.{domain}/")));
    }
    let lattice = "arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-0123456789abcdef0";
    assert_eq!(links::target_group(&TargetGroupArn::parse(lattice).unwrap()), None);
    let old = TaskArn::parse("arn:aws:ecs:us-east-2:123456789012:task/c50e").unwrap();
    assert_eq!(links::task(&old), None);
}

#[test]
fn the_theme_is_the_dashboards_or_else_the_browsers() {
    for (theme, class) in
        [(None, "e6\">"), (Some(Theme::Light), "e6 light\">"), (Some(Theme::Dark), "e6 dark\">")]
    {
        let html = render(&page(Vec::new()), Look { theme, offset: 0 });
        let begin = format!("<div class=\"cwdb-no-default-styles {class}");
        assert!(html.starts_with(&begin), "{class}");
    }
}
