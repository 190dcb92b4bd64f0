"""The template, the CDK construct and the Terraform module deploy the same, field by field: none can be changed without the others."""

import json
import re
import subprocess
import sys

import pytest
import ways
from deployment import ROOT, template
from wishes import WISHES, snake

# What only one of them has a name for: the others leave it to CloudFormation, or have it of the stack.
NAMES = {"FunctionName", "Name", "QueueName", "RoleName", "ManagedPolicyName"}
NAMED_BY_ALL = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig"}


def fields(made: dict[str, dict]) -> dict[str, object]:
    """Without the names, and without the body of the dashboard, which is compared by itself."""
    kept = lambda key, kind: key != "DashboardBody" and (key not in NAMES or kind in NAMED_BY_ALL)  # noqa: E731
    return ways.flat({name: {key: value for key, value in properties.items() if kept(key, properties["Type"])} for name, properties in made.items()})


def differences(wanted: dict[str, dict], made: dict[str, dict]) -> list[str]:
    """Each field that is missing, too much or another."""
    wanted, made = fields(wanted), fields(made)
    return [f"{path}: {wanted.get(path)} became {made.get(path)}" for path in sorted(wanted | made) if wanted.get(path) != made.get(path)]


@pytest.fixture(scope="session")
def wanted(wish) -> dict[str, dict]:
    return ways.of_template(WISHES[wish].for_template())


def test_the_cdk_construct_makes_what_the_template_makes(wish, wanted, synthesised):
    assert not (found := differences(wanted, ways.of_cdk(synthesised[wish]))), "\n".join(found)


def test_the_terraform_module_makes_what_the_template_makes(wish, wanted, tmp_path):
    made = ways.of_terraform(WISHES[wish].for_terraform(), tmp_path)
    assert not (found := differences(wanted, made)), "\n".join(found)


def test_the_cdk_dashboard_is_the_templates(wish, wanted, synthesised):
    bodies = [made.get("Overview", {}).get("DashboardBody") for made in (wanted, ways.of_cdk(synthesised[wish]))]
    assert bodies[0] == bodies[1] and (bodies[0] is None) == (WISHES[wish].others.get("Dashboard") is False)


@pytest.mark.parametrize(("what", "file"), [("alarms", "alarms.json"), ("dashboard", "dashboard.json.tftpl")])
def test_what_is_derived_from_the_template_is_derived_from_todays(what, file):
    derived = subprocess.run([sys.executable, "deploy/derive.py", what], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "deploy/terraform" / file).read_text() == derived, f"python deploy/derive.py {what} >deploy/terraform/{file}"


OF_ONE_BINDING = {"ClusterName", "ServiceName", "TargetGroupArn", "Port", "Bindings", "TargetGroupArns", "ClusterArns", "RoleArns"}


def test_every_parameter_is_a_property_and_a_variable():
    parameters = template()["Parameters"].keys() - OF_ONE_BINDING
    properties = set(re.findall(r"^  readonly (\w+)\??:", (ROOT / "deploy/cdk/src/props.ts").read_text(), re.MULTILINE))
    variables = set(re.findall(r'^variable "(\w+)"', (ROOT / "deploy/terraform/variables.tf").read_text(), re.MULTILINE))
    assert properties == {name[0].lower() + name[1:] for name in parameters} | {"bindings", "code", "name"}
    assert variables == {snake(name) for name in parameters} | {"bindings", "package", "name"}


def test_every_wish_of_the_template_is_compared():
    wished = {name for wish in WISHES.values() for name in wish.others}
    assert wished == template()["Parameters"].keys() - OF_ONE_BINDING


def test_every_output_of_the_template_is_one_of_the_module():
    outputs = set(re.findall(r'^output "(\w+)"', (ROOT / "deploy/terraform/outputs.tf").read_text(), re.MULTILINE))
    assert outputs == {snake(name) for name in template()["Outputs"]}
