"""Derives from template.yaml what the CDK construct and the Terraform module share with it, and prints it: `derive.py alarms` the alarms as a table,
`derive.py dashboard` the dashboard's body with Terraform's placeholders. A test holds the committed files to it."""

import json
import re
import sys
from pathlib import Path

import yaml

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"
# What the dashboard names, by the names of the two's variables.
PLACEHOLDERS = {
    "AWS::StackName": "name",
    "AWS::Region": "region",
    "Function": "function",
    "Page.Arn": "page",
    "Queue.QueueName": "queue",
    "DeadLetterQueue.QueueName": "dead_letter_queue",
    "StopRule": "stop_rule",
    "Period": "period",
    "Runbook": "runbook",
}
WATCHED = {"Function": "function", "Queue.QueueName": "queue", "DeadLetterQueue.QueueName": "dead_letter_queue"}


def read() -> dict:
    """The template, with short forms of functions as the long ones."""
    loader = type("Loader", (yaml.SafeLoader,), {})

    def function(loader, tag, node):
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        return {tag: value}

    loader.add_multi_constructor("!", function)
    return yaml.load(TEMPLATE.read_text(), loader)["Resources"]


def alarms() -> str:
    """Period and Threshold are numbers, or the name of what the number depends on."""
    found = []
    for resource in read().values():
        if resource["Type"] != "AWS::CloudWatch::Alarm":
            continue
        alarm = resource["Properties"]
        (dimension,) = alarm["Dimensions"]
        (watched,) = dimension["Value"].values()
        found.append(
            {
                "name": alarm["AlarmName"]["Sub"].removeprefix("${AWS::StackName}-"),
                "description": alarm["AlarmDescription"]["Sub"].replace("${RunbookUrl}", "RUNBOOK"),
                "only": {"HasHold": "hold"}[resource["Condition"]] if "Condition" in resource else None,
                "namespace": alarm["Namespace"],
                "metric": alarm["MetricName"],
                "dimension": dimension["Name"],
                "watched": WATCHED[watched],
                "statistic": alarm["Statistic"],
                "period": alarm["Period"] if isinstance(alarm["Period"], int) else "reconcile",
                "periods": alarm["EvaluationPeriods"],
                "threshold": alarm["Threshold"] if isinstance(alarm["Threshold"], int) else "expected_unowned",
                "comparison": alarm["ComparisonOperator"],
                "missing": alarm["TreatMissingData"],
            }
        )
    return "[\n" + ",\n".join(json.dumps(alarm) for alarm in found) + "\n]\n"


def dashboard() -> str:
    (body,) = [r["Properties"]["DashboardBody"]["Sub"][0] for r in read().values() if r["Type"] == "AWS::CloudWatch::Dashboard"]
    body, replaced = re.subn(r'"alarms": \[[^]]*\]', '"alarms": @{alarms}', body)
    assert replaced == 1

    def placeholder(found: re.Match) -> str:
        literal, name = found.groups()
        return "$@{" + name + "}" if literal else "@{" + PLACEHOLDERS[name] + "}"

    return re.sub(r"\$\{(!?)([^}]+)\}", placeholder, body).replace("@{", "${")


if __name__ == "__main__":
    print({"alarms": alarms, "dashboard": dashboard}[sys.argv[1]](), end="")
