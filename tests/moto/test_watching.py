"""The alarms and the dashboard of template.yaml: what they watch exists, and each alarm has its entry in docs/runbook.md.

The function's metrics are those of the table in docs/metrics.md and no others. moto knows no alarms in CloudFormation.
"""

import json
import re

import pytest
from conftest import MANY, ONE
from deployment import ROOT, resources, template

HOLDING = ONE | {"HoldMinutes": "15"}
TOPIC = "arn:aws:sns:us-east-2:123456789012:on-call"
MINUTES = list(template()["Mappings"]["Every"])
DIMENSIONS = {"function": (), "group": ("TargetGroup",), "reason": ("Reason",), "error": ("ErrorType",)}

# AWS's own, with the one dimension they are looked at by: Amazon SQS and AWS Lambda developer guides and EventBridge user guide, "… metrics".
AWS_METRICS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName",)),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName",)),
    ("AWS/Events", "FailedInvocations", ("RuleName",)),
    ("AWS/Lambda", "Errors", ("FunctionName",)),
    ("AWS/Lambda", "Throttles", ("FunctionName",)),
}


def our_metrics() -> set[tuple[str, str, tuple[str, ...]]]:
    """Namespace, name and dimensions of every metric in the table of docs/metrics.md."""
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \| (?:Count|Milliseconds|Seconds) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
    return {("EcsIpv6Targets", name, ("FunctionName", *DIMENSIONS[per])) for name, pers in rows for per in pers.split(", ")}


def alarms(parameters: dict[str, str]) -> dict[str, dict]:
    return resources(parameters, "AWS::CloudWatch::Alarm")


def dashboard(parameters: dict[str, str]) -> dict:
    (overview,) = resources(parameters, "AWS::CloudWatch::Dashboard").values()
    return json.loads(overview["DashboardBody"])


def shown(widget: dict) -> list[tuple[str, str, tuple[str, ...]]]:
    """The metrics that a widget shows."""
    metrics = []
    for metric in widget["properties"].get("metrics", []):
        match metric:
            case [{"expression": expression}]:
                search = re.fullmatch(r"""SEARCH\('\{([\w/,]+)\} FunctionName="Function" MetricName="(\w+)"', '(\w+)'\)""", expression)
                assert search, expression
                namespace, *dimensions = search[1].split(",")
                metrics.append((namespace, search[2], tuple(dimensions)))
            case [namespace, name, dimension, _, {"stat": _}]:
                metrics.append((namespace, name, (dimension,)))
            case _:
                raise AssertionError(metric)
    return metrics


def test_the_documentation_explains_the_functions_own_error_codes_and_no_others():
    """Those of `Code::OWN`. AWS's are passed on as they are."""
    code = (ROOT / "src/core/failure.rs").read_text()
    count, own = re.findall(r"const OWN: \[.*?; (\d+)\] = \[(.*?)\n    \];", code, re.DOTALL)[0]
    names = re.findall(r"Self::(\w+)", own)
    assert len(names) == int(count)
    texts = dict(re.findall(r'Self::(\w+) => "(\w+)"', code))
    (table,) = re.findall(r"^\| `ErrorType` \| meaning \|\n((?:\|.*\n)+)", (ROOT / "docs/interface.md").read_text(), re.MULTILINE)
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == sorted(texts[name] for name in names)


def test_every_alarms_entry_begins_with_its_impact():
    runbook = (ROOT / "docs/runbook.md").read_text()
    for name, alarm in alarms(HOLDING).items():
        entry = alarm["AlarmDescription"].rpartition("#")[2].replace("-", "[ -]")
        assert re.search(rf"^## {entry}\n\n\*Impact:\* ", runbook, re.MULTILINE | re.IGNORECASE), name


def test_the_table_of_metrics_is_read():
    assert ("EcsIpv6Targets", "Failed", ("FunctionName", "ErrorType")) in our_metrics()
    assert len({name for _, name, _ in our_metrics()}) == 18


@pytest.mark.parametrize("minutes", MINUTES)
def test_every_alarm_watches_a_metric_that_exists(minutes):
    holds = HOLDING if minutes == "1" else ONE
    for name, alarm in alarms(holds | {"ReconcileMinutes": minutes}).items():
        dimensions = tuple(dimension["Name"] for dimension in alarm["Dimensions"])
        assert (alarm["Namespace"], alarm["MetricName"], dimensions) in our_metrics() | AWS_METRICS, name


def test_every_alarm_watches_this_stack_alone():
    watched = {name: alarm["Dimensions"][0]["Value"] for name, alarm in alarms(ONE).items()}
    assert watched.pop("DeadLetterQueueAlarm") == "DeadLetterQueue.QueueName"
    assert watched.pop("OldestMessageAlarm") == "Queue.QueueName"
    assert set(watched.values()) == {"Function"}


@pytest.mark.parametrize("minutes", MINUTES)
def test_cloudwatch_takes_the_periods(minutes):
    """PutMetricAlarm: a multiple of 60 s; a day in all, or seven days from a period of an hour."""
    for name, alarm in alarms(ONE | {"ReconcileMinutes": minutes}).items():
        assert alarm["Period"] % 60 == 0, name
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 86400, name


@pytest.mark.parametrize("minutes", MINUTES)
def test_what_watches_reconciles_waits_for_three_of_them(minutes):
    for name in ("FunctionErrorsAlarm", "NoReconcileAlarm", "DriftAlarm"):
        alarm = alarms(ONE | {"ReconcileMinutes": minutes})[name]
        assert alarm["Period"] >= 60 * int(minutes), name
        assert alarm["EvaluationPeriods"] == 3, name


def test_only_a_function_that_holds_has_an_alarm_for_holds():
    assert alarms(HOLDING).keys() - alarms(ONE).keys() == {"HoldExpiredAlarm"}
    assert alarms(HOLDING)["HoldExpiredAlarm"]["Dimensions"][0]["Value"] == "Function"
    alarms_of = lambda d: next(set(widget["properties"]["alarms"]) for widget in d["widgets"] if widget["type"] == "alarm")  # noqa: E731
    shown = [alarms_of(d) for d in (dashboard(HOLDING), dashboard(ONE))]
    assert shown[0] - shown[1] == {"HoldExpiredAlarm.Arn"}


def test_missing_data_is_bad_news_of_reconciles_only():
    assert {name for name, alarm in alarms(ONE).items() if alarm["TreatMissingData"] == "breaching"} == {"NoReconcileAlarm"}
    assert {name for name, alarm in alarms(ONE).items() if alarm["TreatMissingData"] == "ignore"} == {"DriftAlarm"}


def test_the_oldest_message_is_older_than_any_that_still_comes_back(one):
    """SQS leaves a message out of the age when it was received more than three times."""
    assert alarms(ONE)["OldestMessageAlarm"]["Threshold"] > 3 * int(one.queue["VisibilityTimeout"])


def test_a_message_that_fails_is_tried_in_every_period_of_the_alarm(one):
    assert alarms(ONE)["FailedAlarm"]["Period"] > int(one.queue["VisibilityTimeout"]) + one.function["Timeout"]


def test_others_targets_are_no_alarm_if_expected():
    assert alarms(ONE)["UnownedAlarm"]["Threshold"] == "0"
    assert alarms(ONE | {"ExpectedUnowned": "3"})["UnownedAlarm"]["Threshold"] == "3"


def test_alarms_tell_the_topic_of_their_beginning_and_end():
    for name, alarm in alarms(HOLDING | {"AlarmTopicArn": TOPIC}).items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC], name


def test_without_a_topic_alarms_have_no_actions():
    assert len(alarms(ONE)) == 7
    for name, alarm in alarms(ONE).items():
        assert "AlarmActions" not in alarm and "OKActions" not in alarm, name


def runbook_entries() -> list[str]:
    """The anchors of the runbook's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("url", ["docs/runbook.md", "https://wiki.example/runbook"])
def test_every_alarm_ends_its_description_with_its_entry_in_the_runbook(url):
    entries = []
    for name, alarm in alarms(ONE | {"RunbookUrl": url}).items():
        page, entry = re.search(r" (\S+)#([\w-]+)$", alarm["AlarmDescription"]).groups()
        assert page == url, name
        assert entry in runbook_entries(), name
        assert alarm["AlarmName"] in (f"stack-{entry}", f"stack-{entry}-low"), name
        entries.append(entry)
    assert len(set(entries)) == len(entries)


def test_the_dashboard_is_left_out_if_told():
    assert resources(ONE | {"Dashboard": "false"}, "AWS::CloudWatch::Dashboard") == {}


@pytest.mark.parametrize("parameters", [ONE, MANY, *(ONE | {"ReconcileMinutes": minutes} for minutes in MINUTES)])
def test_the_dashboard_shows_only_metrics_that_exist(parameters):
    metrics = [metric for widget in dashboard(parameters)["widgets"] for metric in shown(widget)]
    assert len(metrics) > 20
    assert set(metrics) <= our_metrics() | AWS_METRICS


def test_the_dashboard_shows_every_metric_there_is():
    names = {name for widget in dashboard(ONE)["widgets"] for _, name, _ in shown(widget)}
    assert {name for _, name, _ in our_metrics()} <= names


def test_the_dashboards_first_row_is_the_status_page():
    (page,) = [widget for widget in dashboard(ONE)["widgets"] if widget["y"] == 2]
    assert (page["type"], page["width"], page["properties"]["endpoint"]) == ("custom", 24, "Page.Arn")
    assert page["properties"]["updateOn"] == {"refresh": True, "resize": False, "timeRange": False}


def test_the_dashboards_second_row_answers_whether_all_is_right():
    top = [widget for widget in dashboard(ONE)["widgets"] if widget["y"] == 14]
    assert [widget["type"] for widget in top] == ["alarm", "metric", "metric"]
    assert set(top[0]["properties"]["alarms"]) == {f"{name}.Arn" for name in alarms(ONE)}
    assert [name for widget in top for _, name, _ in shown(widget)] == [
        "InStep",
        "Drift",
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
    ]


def test_the_dashboards_widgets_fill_rows_without_overlap():
    taken = set()
    for widget in dashboard(ONE)["widgets"]:
        cells = {(x, y) for x in range(widget["x"], widget["x"] + widget["width"]) for y in range(widget["y"], widget["y"] + widget["height"])}
        assert not cells & taken, widget
        taken |= cells
    assert taken == {(x, y) for x in range(24) for y in range(max(y for _, y in taken) + 1)}


def test_the_dashboard_links_to_a_runbook_that_is_online_and_names_the_one_that_is_not():
    text = lambda parameters: dashboard(parameters)["widgets"][0]["properties"]["markdown"]  # noqa: E731
    assert "`docs/runbook.md`" in text(ONE)
    assert "](https://wiki.example/runbook)" in text(ONE | {"RunbookUrl": "https://wiki.example/runbook"})


def test_labels_are_cloudwatchs_to_fill():
    labels = {metric[0]["label"] for widget in dashboard(ONE)["widgets"] for metric in widget["properties"].get("metrics", []) if "expression" in metric[0]}
    assert "${PROP('Dim.ErrorType')}" in labels and all("${PROP('Dim." in label for label in labels)
