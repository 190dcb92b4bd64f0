"""The real binary against moto: a Runtime API of our own on one side, an ELBv2 that others wrote on the other.

What this is worth: another reading of the protocol. Calls that moto cannot parse, ports that arrive as something else, answers shaped unlike ours show up
here. It is not where correctness is decided, because moto is unlike AWS in just the points that matter. It
- keys targets by address alone: the same address on a second port replaces the first, and is removed whatever port the call names;
- rejects the deregistration of a target it does not know, where AWS succeeds;
- checks neither address family nor subnet;
- knows no registration lag and no draining: a target is healthy at once and gone at once;
- knows no quota and no throttling;
- knows no listener rules by the clients' IP family, and gives a Network Load Balancer the ARN of an Application Load Balancer.
No test here leans on any of these; the simulated AWS in `testing/aws-sim/` has them right and is what the Rust tests run on. moto's ECS is not used at all: it knows only
tasks that it started itself, so `aws_front.py` answers DescribeTasks from the events played.
"""

import fnmatch
import json

import pytest
from aws_front import Call
from conftest import IN_VPC, ONE
from deployment import as_list, deploy, resources
from function import Function
from samples import ADDRESS, SECOND_ADDRESS, sample
from target_group import GROUPS_OWN_PORT


@pytest.fixture
def start(run, group):
    """Starts the function with one binding of demo-service to the group; what is given here is added to the binding."""

    def start(**binding) -> Function:
        binding = {"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group.arn, **binding}
        return run({"BINDINGS": json.dumps([binding])})

    return start


def test_a_task_that_starts_is_registered_and_one_that_begins_to_stop_is_removed(start, group):
    function = start(port=8080)
    report = function.told(sample("task-running.json"))
    assert [(target["id"], target["port"]) for target in report["registered"]] == [(ADDRESS, 8080)]
    assert report["failed"] == []
    assert group.targets() == {(ADDRESS, 8080)}

    report = function.told(sample("task-deactivating.json"))
    assert [(target["id"], target["port"]) for target in report["deregistered"]] == [(ADDRESS, 8080)]
    assert report["failed"] == []
    assert group.targets() == set()


def test_a_crashed_task_is_removed_by_its_stop_and_the_others_stay(start, group):
    function = start(port=8080)
    function.told(sample("task-running.json"))
    function.told(sample("task-running-second.json"))
    assert group.targets() == {(ADDRESS, 8080), (SECOND_ADDRESS, 8080)}
    function.told(sample("task-stopped.json"))
    assert group.targets() == {(SECOND_ADDRESS, 8080)}


def test_a_poison_message_fails_alone_and_the_rest_of_its_batch_is_done(start, group):
    batch = sample("sqs-batch-with-poison.json")
    poison = [record["messageId"] for record in batch["Records"] if "detail" not in json.loads(record["body"])]
    assert len(poison) == 1
    assert start(port=8080).told(batch) == {"batchItemFailures": [{"itemIdentifier": poison[0]}]}
    assert group.targets() == {(ADDRESS, 8080), (SECOND_ADDRESS, 8080)}


def test_a_sound_batch_fails_nothing(start, group):
    assert start(port=8080).told(sample("sqs-batch.json")) == {"batchItemFailures": []}
    assert group.targets() == {(ADDRESS, 8080), (SECOND_ADDRESS, 8080)}


def test_a_binding_without_a_port_takes_the_groups_own(start, group):
    function = start()
    function.told(sample("task-running.json"))
    assert group.targets() == {(ADDRESS, GROUPS_OWN_PORT)}
    function.told(sample("task-deactivating.json"))
    assert group.targets() == set()


def test_a_reconcile_adopts_what_runs_and_removes_what_stopped(start, front, group):
    function = start(port=8080)
    function.told(sample("task-running.json"))
    front.ecs_knows(sample("task-stopped.json")["detail"])
    front.ecs_knows(sample("task-running-second.json")["detail"])
    report = function.told(sample("scheduled.json"))
    assert [target["id"] for target in report["registered"]] == [SECOND_ADDRESS]
    assert [target["id"] for target in report["deregistered"]] == [ADDRESS]
    assert group.targets() == {(SECOND_ADDRESS, 8080)}
    report = function.told(sample("reconcile.json"))
    assert (report["registered"], report["deregistered"]) == ([], [])


@pytest.mark.parametrize("vpc", [{}, IN_VPC], ids=["outside a VPC", "in a VPC"])
def test_the_template_allows_exactly_the_calls_that_the_function_makes(start, front, group, vpc):
    """Not only what it calls: also that nothing is allowed in template.yaml which it never calls."""
    parameters = {**ONE, **vpc, "TargetGroupArn": group.arn, "Port": ""}
    statements = list(deploy(parameters).statements.values())
    for policy in resources(parameters, "AWS::IAM::ManagedPolicy").values():
        statements += policy["PolicyDocument"]["Statement"]
    function = start(cluster="arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster")  # as the template gives it
    function.told(sample("task-running.json"))
    function.told(sample("task-deactivating.json"))
    function.told(sample("sqs-batch-with-poison.json"))
    function.told(sample("scheduled.json"))
    group.stand_behind_a_load_balancer()
    function.told(sample("doctor.json"))

    def allows(statement: dict, call: Call, resource: str) -> bool:
        conditions = statement.get("Condition", {}).get("ArnEquals", {})
        return (
            call.action in as_list(statement["Action"])
            and any(fnmatch.fnmatchcase(resource, r) for r in as_list(statement["Resource"]))
            and all(call.context.get(key) in as_list(values) for key, values in conditions.items())
        )

    denied = [
        (call, resource)
        for call in front.calls
        for resource in call.resources
        if not any(s["Effect"] == "Allow" and allows(s, call, resource) for s in statements)
        or any(s["Effect"] == "Deny" and fnmatch.fnmatchcase(call.action, action) for s in statements for action in as_list(s["Action"]))
    ]
    assert denied == []
    # Lambda itself, not the function, reads the queue, writes the log and connects to the VPC. Doctor asks EC2 only about services that name
    # security groups, or whose tasks lack addresses.
    granted = {action for s in statements if s["Effect"] == "Allow" for action in as_list(s["Action"])}
    allowed = {action for action in granted if not action.startswith(("sqs:", "logs:", "ec2:"))}
    assert allowed == {call.action for call in front.calls}
