"""Target groups in another account, against an STS and an ELBv2 that are not ours: moto keeps what each account owns apart, by the access keys that its
AssumeRole gives out.

moto asks nobody whether a role may be assumed, and checks neither external IDs nor signatures.
"""

import json

import boto3
import pytest
import yaml
from conftest import ROLE_ARN
from deployment import REGION, ROOT, as_list
from samples import ADDRESS, sample
from target_group import TargetGroup

BINDING = {"cluster": "demo-cluster", "service": "demo-service", "port": 8080, "roleArn": ROLE_ARN, "externalId": "prod-web"}
EXAMPLE = ROOT / "examples" / "other-account-role.yaml"


class Loader(yaml.SafeLoader):
    """Reads the short form of a function as its argument."""


def argument(loader: Loader, _: str, node: yaml.Node):
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else loader.construct_sequence(node, deep=True)


Loader.add_multi_constructor("!", argument)


@pytest.fixture
def there(moto_port):
    """A target group of the other account."""
    sts = boto3.client("sts", region_name=REGION, endpoint_url=f"http://127.0.0.1:{moto_port}")
    keys = sts.assume_role(RoleArn=ROLE_ARN, RoleSessionName="test")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], REGION)
    group = TargetGroup(moto_port, session)
    assert ":222222222222:" in group.arn
    return group


def test_a_group_in_another_account_is_served_by_its_role(run, there, group):
    own = {"cluster": "demo-cluster", "service": "demo-service", "port": 8080, "targetGroupArn": group.arn}
    function = run({"BINDINGS": json.dumps([BINDING | {"targetGroupArn": there.arn}, own])})
    function.told(sample("task-running.json"))
    assert there.targets() == group.targets() == {(ADDRESS, 8080)}
    function.told(sample("task-deactivating.json"))
    assert there.targets() == group.targets() == set()


def test_a_reconcile_finds_what_is_missing_there(run, there, front):
    function = run({"BINDINGS": json.dumps([BINDING | {"targetGroupArn": there.arn}])})
    front.ecs_knows(sample("task-running.json")["detail"])
    report = function.told(sample("scheduled.json"))
    assert [(target["targetGroupArn"], target["id"]) for target in report["registered"]] == [(there.arn, ADDRESS)]
    assert function.told(sample("scheduled.json"))["registered"] == []
    assert [call.action for call in front.calls].count("sts:AssumeRole") == 1


def test_without_the_role_the_group_is_not_to_be_found(run, there):
    binding = {name: value for name, value in BINDING.items() if name not in ("roleArn", "externalId")}
    function = run({"BINDINGS": json.dumps([binding | {"targetGroupArn": there.arn}])})
    (check, *_) = function.invoke(sample("doctor.json"))["checks"]
    assert (check["check"], check["status"]) == ("target-group", "fail")


def test_the_example_of_a_role_allows_exactly_the_calls_that_are_made_there(run, there, front):
    """What the function's own role allows is in test_moto.py."""
    function = run({"BINDINGS": json.dumps([BINDING | {"targetGroupArn": there.arn}])})
    there.stand_behind_a_load_balancer()
    for name in ["task-running.json", "task-deactivating.json", "scheduled.json", "doctor.json"]:
        function.told(sample(name))

    role = yaml.load(EXAMPLE.read_text(), Loader)["Resources"]["Role"]["Properties"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    allowed = {action: statement["Resource"] for statement in statements for action in as_list(statement["Action"])}
    there_called = {call.action for call in front.calls if call.action.startswith("elasticloadbalancing:")}
    assert there_called == set(allowed)
    assert {action for action, resource in allowed.items() if resource == "TargetGroupArns"} == {
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:DeregisterTargets",
    }
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Principal"], trust["Action"]) == ({"AWS": "FunctionRoleArn"}, "sts:AssumeRole")
    assert trust["Condition"] == ["HasExternalId", {"StringEquals": {"sts:ExternalId": "ExternalId"}}, "AWS::NoValue"]
