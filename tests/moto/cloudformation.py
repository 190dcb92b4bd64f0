"""The stack that CloudFormation would make of a SAM template, made in moto: translated by SAM's own translator, created by moto's CloudFormation."""

import io
import json
import re
import zipfile

from moto.cloudformation.parsing import get_model_map
from samtranslator.translator.transform import transform

# The types of resources that moto's CloudFormation does not know, and what is therefore never created, but at most read from the template.
# All else of the template is created. Where something refers to a resource of these types, it finds its name.
NOT_CREATED_BY_MOTO = {
    "AWS::CloudWatch::Alarm": "that the alarms are raised",
    "AWS::Lambda::EventInvokeConfig": "that Lambda repeats neither a reconcile nor the copy of a stop",
    "AWS::SQS::QueuePolicy": "that the rule, and nobody else, may send to the queues",
}


def create_stack(client, name: str, source: dict, parameters: dict[str, str], condition) -> dict[str, str]:
    """Returns the stack's outputs. `client` makes the client of a service, `condition` says whether a condition of the template holds."""
    functions = [source["Resources"][function]["Properties"] for function in ("Function", "Page")]
    if functions[0]["CodeUri"] == ".":
        package = _package(client("s3"), f"packages-of-{name}")
        for function in functions:
            function["CodeUri"] = package
    translated = translate(source, parameters)
    resources = translated["Resources"]
    types = {logical: resource["Type"] for logical, resource in resources.items()}
    unknown = set(types.values()) - get_model_map().keys()
    assert unknown == NOT_CREATED_BY_MOTO.keys(), (
        f"moto cannot create {sorted(unknown)}: NOT_CREATED_BY_MOTO must list these and no others, each with what is untested without it"
    )
    left_out = {logical for logical, type in types.items() if type in unknown}
    # Nor can moto update a stack in which the condition of an inline policy does not hold, if something in the policy changes.
    left_out |= {logical for logical, type in types.items() if type == "AWS::IAM::Policy" and not condition(resources[logical].get("Condition"))}
    translated["Resources"] = {logical: resource for logical, resource in resources.items() if logical not in left_out}
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(_names_for(left_out, translated)),
        Parameters=[{"ParameterKey": parameter, "ParameterValue": value} for parameter, value in parameters.items()],
    )
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    summaries = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name).search("StackResourceSummaries[]")
    created = {summary["LogicalResourceId"] for summary in summaries}
    expected = {logical for logical in types.keys() - left_out if "Condition" not in resources[logical]}
    assert expected <= created, f"moto has not created {expected - created}"
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _names_for(left_out: set[str], value):
    """The value with the names of these resources in place of references to them, which moto could not resolve."""
    match value:
        case {"Ref": name} if name in left_out:
            return name
        case {"Fn::GetAtt": [name, attribute]} if name in left_out:
            return f"{name}.{attribute}"
        case dict():
            return {key: _names_for(left_out, inner) for key, inner in value.items()}
        case list():
            return [_names_for(left_out, inner) for inner in value]
        case str():  # as Fn::Sub refers to them
            return re.sub(r"\$\{(\w+)((?:\.\w+)?)\}", lambda found: "".join(found.groups()) if found[1] in left_out else found[0], value)
    return value


def _package(s3, bucket: str) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("bootstrap", "")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_object(Bucket=bucket, Key="function.zip", Body=archive.getvalue())
    return f"s3://{bucket}/function.zip"


def translate(source: dict, parameters: dict[str, str]) -> dict:
    """The template without SAM's types, as CloudFormation makes it before anything is created."""
    return transform(source, dict(parameters), _NoManagedPolicies())


class _NoManagedPolicies:
    """The translator asks for AWS's managed policies; the template uses none."""

    def load(self) -> dict:
        return {}
