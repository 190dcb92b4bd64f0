"""template.yaml as AWS would hold it after a deploy: created in moto, read back from there."""

import json
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
    values, reasons = Values(parsed, parameters), []
    for name, parameter in parsed["Parameters"].items():
        value = values.of({"Ref": name})
        fits = (
            re.fullmatch(parameter.get("AllowedPattern", "[\\s\\S]*"), value)
            and value in map(str, parameter.get("AllowedValues", [value]))
            and (parameter["Type"] != "Number" or int(value) >= parameter.get("MinValue", int(value)))
        )
        if not fits:
            reasons.append(name)
    for rule in parsed["Rules"].values():
        if values.of(rule["RuleCondition"]):
            reasons += [a["AssertDescription"] for a in rule["Assertions"] if not values.of(a["Assert"])]
    return reasons


def resources(parameters: dict[str, str], of_type: str) -> dict[str, dict]:
    """The properties of the resources of a type that would be created, for types that moto does not know. A resource's name stands for its
    Ref, `Resource.Attribute` for an attribute."""
    parsed = template()
    values = Values(parsed, parameters)
    return {
        name: values.of(resource["Properties"])
        for name, resource in parsed["Resources"].items()
        if resource["Type"] == of_type and values.condition(resource.get("Condition"))
    }


class Values:
    """What the template's intrinsic functions come to."""

    _PSEUDO = {"AWS::StackName": "stack", "AWS::Region": REGION, "AWS::AccountId": "123456789012", "AWS::Partition": "aws"}
    _NOTHING = {"Ref": "AWS::NoValue"}

    def __init__(self, parsed: dict, parameters: dict[str, str]):
        self._template = parsed
        defaults = {name: str(parameter.get("Default", "")) for name, parameter in parsed["Parameters"].items()}
        self._named = self._PSEUDO | {name: name for name in parsed["Resources"]} | defaults | parameters

    def condition(self, name: str | None) -> bool:
        return name is None or self.of(self._template["Conditions"][name])

    def of(self, expression):
        match expression:
            case {"Ref": name}:
                return self._named[name]
            case {"Fn::GetAtt": [resource, attribute]}:
                return f"{self._named[resource]}.{attribute}"
            case {"Fn::Equals": [left, right]}:
                return self.of(left) == self.of(right)
            case {"Fn::Not": [inner]}:
                return not self.of(inner)
            case {"Fn::And": inner}:
                return all(self.of(each) for each in inner)
            case {"Fn::Or": inner}:
                return any(self.of(each) for each in inner)
            case {"Condition": str(name)} if len(expression) == 1:
                return self.condition(name)
            case {"Fn::If": [condition, then, otherwise]}:
                return self.of(then if self.condition(condition) else otherwise)
            case {"Fn::FindInMap": [name, *keys]}:
                found = self._template["Mappings"][name]
                for key in keys:
                    found = found[self.of(key)]
                return found
            case {"Fn::Split": [separator, text]}:
                return self.of(text).split(separator)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self.of(parts))
            case {"Fn::Sub": [str(text), dict(given)]}:
                return self._substituted(text, {name: self.of(value) for name, value in given.items()})
            case {"Fn::Sub": str(text)}:
                return self._substituted(text, {})
            case dict():
                (unknown,) = [name for name in expression if name.startswith("Fn::")] or [None]
                if unknown:
                    raise NotImplementedError(unknown)
                return {key: self.of(value) for key, value in expression.items() if self._kept(value)}
            case list():
                return [self.of(value) for value in expression if self._kept(value)]
        return expression

    def _substituted(self, text: str, given: dict[str, str]) -> str:
        def value(found: re.Match) -> str:
            literal, name = found.groups()
            if literal:
                return "${" + name + "}"
            resource, *attribute = name.split(".")
            return str((given | self._named)[resource] if not attribute else self.of({"Fn::GetAtt": [resource, *attribute]}))

        return re.sub(r"\$\{(!?)([^}]+)\}", value, text)

    def _kept(self, value) -> bool:
        while isinstance(value, dict) and "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            value = then if self.condition(condition) else otherwise
        return value != self._NOTHING


@dataclass
class Deployment:
    pattern: str
    rule_target: dict
    rule_arn: str
    stop_pattern: str
    stop_target: dict
    stop_rule_arn: str
    deployment_pattern: str | None  # None without holds
    deployment_target: dict | None
    schedule: str
    schedule_arn: str
    schedule_target: dict
    mapping: dict
    function: dict
    invokers: list[str]  # the ARNs of the rules that may invoke the function
    statements: dict[str, dict]  # of the function's role, by Sid
    queue: dict
    dead_letter_queue: dict


@mock_aws
def deploy(parameters: dict[str, str]) -> Deployment:
    assert not refusals(parameters), refusals(parameters)
    client = lambda service: boto3.client(service, region_name=REGION)  # noqa: E731
    outputs = create_stack(client, "stack", template(), parameters, Values(template(), parameters).condition)
    rules = {rule["Name"]: rule for rule in client("events").list_rules()["Rules"]}
    rule, stop_rule = rules.pop(outputs["RuleName"]), rules.pop(outputs["StopRuleName"])
    deployment_rule = rules.pop(outputs.get("DeploymentRuleName"), None)
    (schedule,) = rules.values()
    (rule_target,) = client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    (stop_target,) = client("events").list_targets_by_rule(Rule=stop_rule["Name"])["Targets"]
    deployment_target = deployment_rule and client("events").list_targets_by_rule(Rule=deployment_rule["Name"])["Targets"][0]
    (schedule_target,) = client("events").list_targets_by_rule(Rule=schedule["Name"])["Targets"]
    (mapping,) = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    function = client("lambda").get_function_configuration(FunctionName=outputs["FunctionName"])
    permissions = json.loads(client("lambda").get_policy(FunctionName=outputs["FunctionName"])["Policy"])["Statement"]
    (role,) = [role["RoleName"] for role in client("iam").list_roles()["Roles"] if role["Arn"] == function["Role"]]
    policies = client("iam").list_role_policies(RoleName=role)["PolicyNames"]
    policies = [client("iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"] for policy in policies]
    attributes = lambda url: client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]  # noqa: E731
    return Deployment(
        pattern=rule["EventPattern"],
        rule_target=rule_target,
        rule_arn=rule["Arn"],
        stop_pattern=stop_rule["EventPattern"],
        stop_target=stop_target,
        stop_rule_arn=stop_rule["Arn"],
        deployment_pattern=deployment_rule and deployment_rule["EventPattern"],
        deployment_target=deployment_target,
        schedule=schedule["ScheduleExpression"],
        schedule_arn=schedule["Arn"],
        schedule_target=schedule_target,
        mapping=mapping,
        function=function,
        invokers=[source_arn(permission) for permission in permissions],
        statements={s["Sid"]: s for policy in policies for s in statements_of(policy)},
        queue=attributes(outputs["QueueUrl"]),
        dead_letter_queue=attributes(outputs["DeadLetterQueueUrl"]),
    )


def statements_of(policy: dict | str) -> list[dict]:
    # moto hands the document back as Python wrote it, in single quotes, which YAML reads.
    document = yaml.safe_load(policy) if isinstance(policy, str) else policy
    # moto keeps AWS::NoValue in a list, where CloudFormation leaves it out.
    return [statement for statement in document["Statement"] if isinstance(statement, dict)]


def source_arn(permission: dict) -> str:
    assert (permission["Effect"], permission["Principal"], permission["Action"]) == ("Allow", {"Service": "events.amazonaws.com"}, "lambda:InvokeFunction")
    return permission["Condition"]["ArnLike"]["AWS:SourceArn"]


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]
