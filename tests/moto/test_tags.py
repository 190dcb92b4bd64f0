"""Bindings by tags, against a Tagging API that is not ours: moto's GetResources over the tags of moto's target groups.

moto does not check signatures, does not lag behind, and knows no rates.
"""

import fnmatch
import json

import boto3
import pytest
from conftest import TAGS
from deployment import REGION, as_list, deploy
from samples import ADDRESS, SECOND_ADDRESS, sample
from shell import Shell, blocks
from target_group import TargetGroup

KEY = "ecs-ipv6-targets:bind"
DEMO = "demo-cluster/demo-service:8080"


@pytest.fixture
def group(moto_port):
    """A target group whose tag is gone after the test: the function finds every tagged one."""
    group = TargetGroup(moto_port)
    yield group
    group.untag(KEY)


@pytest.fixture
def tagged(run):
    """Starts the function without BINDINGS."""
    return lambda **variables: run({"DISCOVER": "tags", **variables})


def test_a_tagged_group_is_found_and_served(tagged, group):
    group.tag(KEY, DEMO)
    function = tagged()
    report = function.told(sample("task-running.json"))
    assert [(target["targetGroupArn"], target["id"], target["port"]) for target in report["registered"]] == [(group.arn, ADDRESS, 8080)]
    assert group.targets() == {(ADDRESS, 8080)}
    function.told(sample("task-deactivating.json"))
    assert group.targets() == set()


def test_a_tag_that_comes_and_goes_is_seen_by_reconciles(tagged, group, front):
    function = tagged()
    front.ecs_knows(sample("task-running.json")["detail"])
    assert function.told(sample("scheduled.json"))["registered"] == []
    group.tag(KEY, DEMO)
    assert [target["id"] for target in function.told(sample("scheduled.json"))["registered"]] == [ADDRESS]
    group.untag(KEY)
    front.ecs_knows(sample("task-running-second.json")["detail"])
    assert function.told(sample("scheduled.json"))["registered"] == []
    assert group.targets() == {(ADDRESS, 8080)}


def test_the_five_commands_of_a_team_end_with_healthy_targets(tagged, moto_port, front, tmp_path):
    """The stack is never named; moto takes every target for healthy at once."""
    client = lambda service: boto3.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{moto_port}")  # noqa: E731
    vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    subnet = client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    (balancer,) = client("elbv2").create_load_balancer(Name="team-nlb", Type="network", Subnets=[subnet])["LoadBalancers"]
    (block,) = blocks("tags.md", 'From "I have a service" to "its targets are healthy"')
    yours, *commands = block.splitlines()
    assert (yours.endswith("# yours"), len(commands)) == (True, 5)
    assert "STACK" not in block
    *until_tagged, wait, show = commands

    detail = sample("task-running.json")["detail"] | {"group": "service:web"}
    front.ecs_knows(detail)
    function, shell = tagged(), Shell(moto_port, tmp_path)
    made = shell.run(f"VPC={vpc} NLB={balancer['LoadBalancerArn']}", *until_tagged, 'echo "$GROUP"').splitlines()[-1]
    try:
        function.told(sample("scheduled.json"))
        (health,) = json.loads(shell.run(f"GROUP={made}", wait, show))["TargetHealthDescriptions"]
        assert (health["Target"]["Id"], health["Target"]["Port"], health["TargetHealth"]["State"]) == (ADDRESS, 8080, "healthy")
    finally:
        client("elbv2").remove_tags(ResourceArns=[made], TagKeys=[KEY])


def test_a_malformed_tag_is_reported(tagged, group):
    group.tag(KEY, f"{DEMO} demo-service")
    (failed,) = tagged().invoke(sample("plan.json"))["failed"]
    assert failed["targetGroupArn"] == group.arn
    assert "BadTag" in failed["error"]


def test_a_release_empties_a_group(tagged, group, front):
    group.tag(KEY, DEMO)
    function = tagged()
    function.told(sample("task-running.json"))
    release = sample("release.json") | {"targetGroupArn": group.arn}
    assert [target["id"] for target in function.invoke(release | {"dryRun": True})["deregistered"]] == [ADDRESS]
    assert group.targets() == {(ADDRESS, 8080)}
    assert [target["id"] for target in function.invoke(release)["deregistered"]] == [ADDRESS]
    assert group.targets() == set()


def test_all_pages_are_read(tagged, moto_port):
    """GetResources gives a hundred a page."""
    elb = boto3.client("elbv2", region_name=REGION, endpoint_url=f"http://127.0.0.1:{moto_port}")
    groups = [TargetGroup(moto_port)]
    arns = [groups[0].arn]
    for number in range(104):
        (made,) = elb.create_target_group(
            Name=f"page-{number}", Protocol="TCP", Port=80, VpcId=groups[0].vpc, TargetType="ip", IpAddressType="ipv6"
        )["TargetGroups"]
        arns.append(made["TargetGroupArn"])
    for arn in arns:
        elb.add_tags(ResourceArns=[arn], Tags=[{"Key": KEY, "Value": DEMO}])
    try:
        report = tagged(DRY_RUN="true").told(sample("task-running-second.json"))
        assert {target["targetGroupArn"] for target in report["registered"]} >= set(arns)
        assert {target["id"] for target in report["registered"]} == {SECOND_ADDRESS}
    finally:
        for arn in arns:
            elb.delete_target_group(TargetGroupArn=arn)


def test_the_template_allows_exactly_the_calls_of_a_function_that_reads_tags(tagged, front, group):
    statements = list(deploy(TAGS).statements.values())
    group.tag(KEY, "demo-cluster/demo-service")
    function = tagged()
    function.told(sample("task-running.json"))
    function.told(sample("task-deactivating.json"))
    function.told(sample("scheduled.json"))
    group.stand_behind_a_load_balancer()
    function.told(sample("doctor.json"))

    def allows(statement: dict, call, resource: str) -> bool:
        condition = statement.get("Condition", {})
        clusters = as_list(condition.get("ArnEquals", {}).get("ecs:cluster", []))
        is_tagged = resource == group.arn  # what Null on the resource's tag asks for
        return (
            call.action in as_list(statement["Action"])
            and any(fnmatch.fnmatchcase(resource, allowed) for allowed in as_list(statement["Resource"]))
            and (not clusters or any(fnmatch.fnmatchcase(call.context["ecs:cluster"], cluster) for cluster in clusters))
            and ("Null" not in condition or is_tagged)
        )

    denied = [
        (call, resource)
        for call in front.calls
        for resource in call.resources
        if not any(allows(statement, call, resource) for statement in statements)
    ]
    assert denied == []
    granted = {action for statement in statements for action in as_list(statement["Action"])}
    # The service here names no security group, and its tasks have addresses, so doctor asks EC2 for nothing.
    assert {action for action in granted if not action.startswith(("sqs:", "logs:", "ec2:"))} == {call.action for call in front.calls}


def test_the_sample_of_a_release_names_the_group_of_the_other_samples():
    assert json.dumps(sample("release.json")).count("targetgroup/demo-ipv6/") == 1
