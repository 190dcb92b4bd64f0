"""deploy/terraform as it would be planned: evaluated without a provider, because none is at hand. What others would tell (the account, ARNs and names of
resources) stands in it by the names that template.yaml has for it."""

import json
import re
from pathlib import Path

from tfparse import load_from_path

MODULE = Path(__file__).resolve().parents[2] / "deploy/terraform"
TOLD = {
    "data.aws_caller_identity.current.account_id": "123456789012",
    "data.aws_partition.current.partition": "aws",
    "data.aws_region.current.region": "us-east-2",
    "aws_lambda_function.this.arn": "Function.Arn",
    "aws_lambda_function.this.function_name": "Function",
    "aws_lambda_function.page[0].arn": "Page.Arn",
    "aws_sqs_queue.this.arn": "Queue.Arn",
    "aws_sqs_queue.this.name": "Queue.QueueName",
    "aws_sqs_queue.this.id": "Queue",
    "aws_sqs_queue.dead_letters.arn": "DeadLetterQueue.Arn",
    "aws_sqs_queue.dead_letters.name": "DeadLetterQueue.QueueName",
    "aws_sqs_queue.dead_letters.id": "DeadLetterQueue",
    '"${aws_cloudwatch_log_group.this.arn}:*"': "LogGroup.Arn",  # the provider cuts off what CloudFormation's has
    "aws_cloudwatch_log_group.this.name": "LogGroup",
    "aws_cloudwatch_event_rule.events.arn": "Rule.Arn",
    "aws_cloudwatch_event_rule.events.name": "Rule",
    "aws_cloudwatch_event_rule.stop.arn": "StopRule.Arn",
    "aws_cloudwatch_event_rule.stop.name": "StopRule",
    "aws_cloudwatch_event_rule.deployment[0].arn": "DeploymentRule.Arn",
    "aws_cloudwatch_event_rule.deployment[0].name": "DeploymentRule",
    "aws_cloudwatch_event_rule.reconcile.arn": "FunctionReconcile.Arn",
    "aws_cloudwatch_event_rule.reconcile.name": "FunctionReconcile",
    "aws_iam_role.function.arn": "Role.Arn",
    "aws_iam_role.function.id": "Role",
    "aws_iam_role.function.name": "Role",
    "aws_iam_role.page[0].arn": "PageRole.Arn",
    "aws_iam_role.page[0].id": "PageRole",
    "aws_iam_role.page[0].name": "PageRole",
    "aws_iam_role.hook.arn": "HookRole.Arn",
    "aws_iam_role.hook.id": "HookRole",
    "aws_iam_policy.vpc[0].arn": "VpcPolicy",
}


def told(text: str) -> str:
    for name, value in TOLD.items():
        text = text.replace(name, json.dumps(value))
    return text


def _each(text: str) -> str:
    """tfparse makes no resource for each element of what it reads from a file: one for each alarm."""
    found = re.search(r'^resource "aws_cloudwatch_metric_alarm" "this" \{\n  for_each = local.alarms\n(.*?)^\}\n', text, re.MULTILINE | re.DOTALL)
    if not found:
        return text
    names = [alarm["name"] for alarm in json.loads((MODULE / "alarms.json").read_text())]
    body = lambda name: found[1].replace("each.value", f'local.alarms["{name}"]').replace("each.key", f'"{name}"')  # noqa: E731
    return text.replace(found[0], "".join(f'resource "aws_cloudwatch_metric_alarm" "{name}" {{\n{body(name)}}}\n' for name in names))


def evaluated(variables: dict, folder: Path) -> dict[str, dict]:
    """The resources by their addresses, and what of `local` they are made of as "locals"."""
    for path in MODULE.iterdir():
        if path.suffix in (".tf", ".json", ".tftpl") and path.name not in ("versions.tf", "outputs.tf"):
            text = path.read_text()
            (folder / path.name).write_text(_each(told(text)) if path.suffix == ".tf" else text)
    given = folder / "given.tfvars.json"
    given.write_text(json.dumps({"name": "stack", "package": "bootstrap-arm64.zip"} | variables))
    return load_from_path(str(folder), vars_paths=[given.name])
