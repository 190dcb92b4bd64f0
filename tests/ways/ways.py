"""What each way makes, in one form: resources by their names in template.yaml, with the properties that CloudFormation gives them."""

import json
import re
from pathlib import Path

import module
from cloudformation import translate
from deployment import Values, template

# What differs on purpose, or says nothing.
LEFT_OUT = {
    "Code": "each way has its own",
    "Tags": "SAM's mark on what it made",
    "Id": "a target's name within its rule",
    "Qualifier": "$LATEST, which is what Lambda takes if it is left out",
    "Version": "of policy documents, always 2012-10-17",
}


def of_template(parameters: dict[str, str]) -> dict[str, dict]:
    source = template()
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://packages/bootstrap.zip"
    translated = translate(source, parameters)
    values = Values(translated, parameters)
    made = {
        name: {"Type": resource["Type"]} | values.of(resource["Properties"])
        for name, resource in translated["Resources"].items()
        if values.condition(resource.get("Condition"))
    }
    for name in [name for name, resource in made.items() if resource["Type"] == "AWS::IAM::Policy"]:  # the others have them within each role
        policy = made.pop(name)
        for role in policy["Roles"]:
            made[role]["Policies"].append({key: policy[key] for key in ("PolicyName", "PolicyDocument")})
    return {name: plain(properties) for name, properties in made.items()}


def alarm_called(name: str) -> str:
    """`dead-letter-queue` is DeadLetterQueueAlarm in the template."""
    return "".join(word.capitalize() for word in name.removesuffix("-low").split("-")) + "Alarm"


OF_CDK = {
    "Queue/Policy": "QueuePolicy",
    "DeadLetterQueue/Policy": "DeadLetterQueuePolicy",
    "Function/EventInvokeConfig": "FunctionEventInvokeConfig",
    "TaskStateChanges": "FunctionTaskStateChanges",
    "Reconcile": "FunctionReconcile",
    "ReconcilePermission": "FunctionReconcilePermission",
}


def of_cdk(resources: dict[str, dict]) -> dict[str, dict]:
    named = {path: alarm_called(path.removeprefix("Alarm-")) if path.startswith("Alarm-") else OF_CDK.get(path, path) for path in resources}
    values = Values({"Parameters": {}, "Resources": {}}, {resources[path]["id"]: name for path, name in named.items()})
    return {named[path]: plain({"Type": resource["Type"]} | values.of(resource["Properties"])) for path, resource in resources.items()}


OF_TERRAFORM = {
    "aws_lambda_function.this": "Function",
    "aws_lambda_function.page": "Page",
    "aws_lambda_function_event_invoke_config.this": "FunctionEventInvokeConfig",
    "aws_lambda_event_source_mapping.this": "FunctionTaskStateChanges",
    "aws_lambda_permission.stop": "StopPermission",
    "aws_lambda_permission.deployment": "DeploymentPermission",
    "aws_lambda_permission.reconcile": "FunctionReconcilePermission",
    "aws_cloudwatch_log_group.this": "LogGroup",
    "aws_cloudwatch_event_rule.events": "Rule",
    "aws_cloudwatch_event_rule.stop": "StopRule",
    "aws_cloudwatch_event_rule.deployment": "DeploymentRule",
    "aws_cloudwatch_event_rule.reconcile": "FunctionReconcile",
    "aws_cloudwatch_dashboard.this": "Overview",
    "aws_sqs_queue.this": "Queue",
    "aws_sqs_queue.dead_letters": "DeadLetterQueue",
    'aws_sqs_queue_policy.this["this"]': "QueuePolicy",
    'aws_sqs_queue_policy.this["dead_letters"]': "DeadLetterQueuePolicy",
    "aws_iam_role.function": "Role",
    "aws_iam_role.page": "PageRole",
    "aws_iam_role.hook": "HookRole",
    "aws_iam_policy.vpc": "VpcPolicy",
}
TYPES = {
    "aws_lambda_function": "AWS::Lambda::Function",
    "aws_lambda_function_event_invoke_config": "AWS::Lambda::EventInvokeConfig",
    "aws_lambda_event_source_mapping": "AWS::Lambda::EventSourceMapping",
    "aws_lambda_permission": "AWS::Lambda::Permission",
    "aws_cloudwatch_log_group": "AWS::Logs::LogGroup",
    "aws_cloudwatch_event_rule": "AWS::Events::Rule",
    "aws_cloudwatch_metric_alarm": "AWS::CloudWatch::Alarm",
    "aws_cloudwatch_dashboard": "AWS::CloudWatch::Dashboard",
    "aws_sqs_queue": "AWS::SQS::Queue",
    "aws_sqs_queue_policy": "AWS::SQS::QueuePolicy",
    "aws_iam_role": "AWS::IAM::Role",
    "aws_iam_policy": "AWS::IAM::ManagedPolicy",
}
# Arguments that are not simply called as CloudFormation's properties are, in another case.
ARGUMENTS = {
    "message_retention_seconds": "MessageRetentionPeriod",
    "visibility_timeout_seconds": "VisibilityTimeout",
    "assume_role_policy": "AssumeRolePolicyDocument",
    "policy": "PolicyDocument",
    "queue_url": "Queues",
    "ok_actions": "OKActions",
    "target_id": "Id",
}
# Of the provider alone.
OF_THE_PROVIDER = {"id", "count", "for_each", "depends_on", "filename", "source_code_hash", "rule"}


def of_terraform(variables: dict, folder: Path) -> dict[str, dict]:
    made, parts = {}, []
    resources = module.evaluated(variables, folder)
    for kind, blocks in resources.items():
        for block in blocks:
            address = block.get("__tfmeta", {}).get("path", "").removesuffix("[0]")
            if kind == "aws_cloudwatch_metric_alarm" and block["alarm_description"] is not None:
                made[alarm_called(address.partition(".")[2])] = {"Type": TYPES[kind]} | _properties(block)
            elif kind in TYPES and address in OF_TERRAFORM:
                made[OF_TERRAFORM[address]] = {"Type": TYPES[kind]} | _properties(block)
                if kind == "aws_cloudwatch_log_group":
                    made[OF_TERRAFORM[address]]["LogGroupName"] = block["name"]
            elif address.startswith("aws_") and kind != "aws_cloudwatch_metric_alarm":
                parts.append((kind, block))
    for kind, block in parts:
        match kind:
            case "aws_cloudwatch_event_target":
                made[block["rule"]].setdefault("Targets", []).append(_properties(block))
            case "aws_iam_role_policy":
                policy = {"PolicyName": block["name"], "PolicyDocument": block["policy"]}
                made[block["role"]].setdefault("Policies", []).append(policy)
            case "aws_iam_role_policy_attachment":
                made[block["role"]]["ManagedPolicyArns"] = [block["policy_arn"]]
            case _:
                raise AssertionError(f"{block['__tfmeta']['path']} is not in the table of ways.py")
    for made_function in made.values():
        if str(made_function.get("ReservedConcurrentExecutions")) == "-1":  # the provider's word for none
            del made_function["ReservedConcurrentExecutions"]
    return {name: plain(properties) for name, properties in made.items()}


def _properties(block: dict) -> dict:
    properties = {}
    for name, value in block.items():
        if name in OF_THE_PROVIDER or name.startswith("__"):
            continue
        if name == "dimensions":
            value = [{"Name": key, "Value": inner} for key, inner in value.items()]
        elif isinstance(value, dict) and name != "variables":
            value = None if "__attribute__" in value else _properties(value)
        elif isinstance(value, list) and value and all(isinstance(inner, dict) for inner in value):
            value = [_properties(inner) for inner in value]
        properties[ARGUMENTS.get(name) or "".join(word.capitalize() for word in name.split("_"))] = value
    return properties


WITH_JSON = {"BINDINGS", "EventPattern", "PolicyDocument", "AssumeRolePolicyDocument", "RedrivePolicy", "DashboardBody"}


def plain(value, key: str = ""):
    """The same for what means the same: text for numbers and booleans, one for a list of one, JSON read, nothing for what is empty."""
    if key in WITH_JSON and isinstance(value, str) and value:
        value = json.loads(value)
    match value:
        case {"AWS": "*"}:  # anybody, as a principal
            return "*"
        case dict():
            return {name: inner for name in sorted(value) if name not in LEFT_OUT and (inner := plain(value[name], name)) not in (None, {}, [], "")}
        case list():
            for name in ("Sid", "PolicyName"):
                if value and all(isinstance(inner, dict) and name in inner for inner in value):
                    return {inner[name]: plain(inner) for inner in value}
            values = [plain(inner, key) for inner in value]
            return values[0] if len(values) == 1 else sorted(values, key=str)
        case bool():
            return str(value).lower()
        case None:
            return None
    text = str(value)
    return re.sub(r"^Function\.Arn$", "Function", text) if key == "FunctionName" else text


def flat(value, path: str = "") -> dict[str, object]:
    """Every field by its path."""
    if not isinstance(value, dict):
        return {path: value}
    return {name: inner for key in value for name, inner in flat(value[key], f"{path}.{key}" if path else key).items()}
