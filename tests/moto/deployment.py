"""template.yaml as AWS would hold it after a deploy: created in moto, read back from there."""

import re
from dataclasses import dataclass
from pathlib import Path

import boto3
import yaml
from cloudformation import create_stack
from moto import mock_aws
from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-2"


def template() -> dict:
    return yaml_parse((ROOT / "template.yaml").read_text())


def refusals(parameters: dict[str, str]) -> list[str]:
    """Why CloudFormation would refuse these parameters before it creates anything; moto looks at neither constraints nor rules."""
    parsed = template()
    values, reasons = {}, []
    for name, parameter in parsed["Parameters"].items():
        value = values[name] = str(parameters.get(name, parameter.get("Default")))
        fits = (
            re.fullmatch(parameter.get("AllowedPattern", "[\\s\\S]*"), value)
            and value in map(str, parameter.get("AllowedValues", [value]))
        )
        if not fits:
            reasons.append(name)
    for rule in parsed["Rules"].values():
        if _holds(rule["RuleCondition"], values):
            reasons += [a["AssertDescription"] for a in rule["Assertions"] if not _holds(a["Assert"], values)]
    return reasons


def _holds(expression: dict, values: dict[str, str]) -> bool:
    ((function, arguments),) = expression.items()
    match function:
        case "Fn::Equals":
            left, right = (values[side["Ref"]] if isinstance(side, dict) else side for side in arguments)
            return left == right
        case "Fn::Not":
            return not _holds(arguments[0], values)
    raise NotImplementedError(function)


@dataclass
class Deployment:
    pattern: str
    rule_target: dict
    rule_arn: str
    schedule: str
    schedule_target: dict
    mapping: dict
    function: dict
    statements: dict[str, dict]  # of the function's role, by Sid
    attached_policies: list
    queue: dict
    dead_letter_queue: dict


@mock_aws
def deploy(parameters: dict[str, str]) -> Deployment:
    assert not refusals(parameters), refusals(parameters)
    client = lambda service: boto3.client(service, region_name=REGION)  # noqa: E731
    outputs = create_stack(client, "stack", template(), parameters)
    rules = client("events").list_rules()["Rules"]
    (rule,) = [rule for rule in rules if rule.get("EventPattern")]
    (schedule,) = [rule for rule in rules if rule.get("ScheduleExpression")]
    (rule_target,) = client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    (schedule_target,) = client("events").list_targets_by_rule(Rule=schedule["Name"])["Targets"]
    (mapping,) = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    function = client("lambda").get_function_configuration(FunctionName=outputs["FunctionName"])
    (role,) = [role["RoleName"] for role in client("iam").list_roles()["Roles"] if role["Arn"] == function["Role"]]
    policy = client("iam").get_role_policy(RoleName=role, PolicyName="function")["PolicyDocument"]
    attributes = lambda url: client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]  # noqa: E731
    return Deployment(
        pattern=rule["EventPattern"],
        rule_target=rule_target,
        rule_arn=rule["Arn"],
        schedule=schedule["ScheduleExpression"],
        schedule_target=schedule_target,
        mapping=mapping,
        function=function,
        # moto hands the document back as Python wrote it, in single quotes, which YAML reads.
        statements={s["Sid"]: s for s in (yaml.safe_load(policy) if isinstance(policy, str) else policy)["Statement"]},
        attached_policies=client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"],
        queue=attributes(outputs["QueueUrl"]),
        dead_letter_queue=attributes(outputs["DeadLetterQueueUrl"]),
    )


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]
