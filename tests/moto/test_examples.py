"""The environments in examples/, created in ministack without what it does not know, and the stack of template.yaml that their outputs are for."""

import json
import re

import pytest
from deployment import ROOT, refusals
from ministack import NOT_CREATED, creatable
from samcli.yamlhelper import yaml_parse

ENVIRONMENTS = sorted(path.parent.name for path in (ROOT / "examples").glob("*/template.yaml"))
LATTICE = "vpc-lattice"
IMAGE = "123456789012.dkr-ecr.us-east-2.on.aws/web"  # one that every example takes


def example(name: str) -> dict:
    return yaml_parse((ROOT / "examples" / name / "template.yaml").read_text())


@pytest.fixture(scope="module")
def outputs(emulator):
    """Of each example's stack."""
    emulator.client("ssm").put_parameter(Name="/ami", Type="String", Value="ami-0123456789abcdef0")  # Amazon's own are not there
    parameters = {"Image": IMAGE, "Ami": "/ami", "LatticePrefixListId": "pl-0123456789abcdef0"}
    made = {}
    for name in ENVIRONMENTS:
        template = example(name)
        given = {parameter: parameters[parameter] for parameter in parameters.keys() & template["Parameters"].keys()}
        made[name] = emulator.create_stack(name, json.dumps(creatable(template)), given)
    return made


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_environment_is_created_and_tells_what_the_template_wants(outputs, name):
    told = {key: value for key, value in outputs[name].items() if key != "DnsName"}
    group = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09"  # ministack's has no hexadecimal end
    if name != LATTICE:
        assert told["TargetGroupArn"].startswith("arn:aws:elasticloadbalancing:")
        told["TargetGroupArn"] = group
    assert refusals(told) == []


def test_only_what_the_emulator_does_not_know_is_left_out():
    used = {resource["Type"] for name in ENVIRONMENTS for resource in example(name)["Resources"].values()}
    assert NOT_CREATED.keys() <= used


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_group_is_for_ipv6_and_not_the_services_own(name):
    resources = example(name)["Resources"]
    group = resources["TargetGroup"]["Properties"]
    if name == LATTICE:
        assert (group["Type"], group["Config"]["IpAddressType"]) == ("IP", "IPV6")
    else:
        assert (group["TargetType"], group["IpAddressType"]) == ("ip", "ipv6")
        assert resources["LoadBalancer"]["Properties"]["IpAddressType"] == "dualstack"
    assert resources["Service"]["Properties"].keys() & {"LoadBalancers", "VpcLatticeConfigurations"} == set()
    assert resources["TaskDefinition"]["Properties"]["NetworkMode"] == "awsvpc"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_output_is_explained_on_the_page(name):
    page = (ROOT / "examples" / name / "README.md").read_text()
    assert len(page.splitlines()) <= 40
    for output in example(name)["Outputs"]:
        assert re.search(rf"\b{output}\b", page), output
