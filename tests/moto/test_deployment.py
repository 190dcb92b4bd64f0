"""From an event of ECS to the target group over what template.yaml deploys: its rule, its queue, and the function with the environment it gives.

Only the ends are not the template's: ECS, and the Lambda service with its Runtime API and its poller (see stack.py).
"""

import copy
import json
import os
import platform
import re
from pathlib import Path

import pytest
from conftest import CLUSTER_ARN, MANY, ONE
from deployment import resources
from samples import ADDRESS, sample
from stack import Stack
from target_group import TargetGroup


@pytest.fixture
def deployed(moto_port, front):
    """Creates the stack with these parameters."""
    stacks = []

    def deployed(parameters: dict[str, str]) -> Stack:
        stacks.append(Stack(moto_port, front, parameters))
        return stacks[-1]

    yield deployed
    for stack in stacks:
        stack.close()


def changed(event: dict, **detail) -> dict:
    event = copy.deepcopy(event)
    event["detail"].update(detail)
    return event


def test_the_rule_brings_the_services_events_and_no_others_into_the_queue(deployed, group, run):
    stack = deployed(ONE | {"TargetGroupArn": group.arn})
    running = sample("task-running.json")
    stack.happens(
        sample("task-provisioning.json"),
        sample("task-pending.json"),
        sample("task-other-service.json"),
        changed(running, clusterArn=CLUSTER_ARN.replace("demo", "other")),
        running | {"source": "aws.ec2"},
        running | {"detail-type": "ECS Service Action"},
        running,
    )
    messages, failed = stack.deliver(run(stack.function["Environment"]["Variables"]))
    assert failed == []
    (arrived,) = [json.loads(message["Body"]) for message in messages]
    assert arrived.pop("id")  # the bus gives a new one; and moto leaves the account out
    assert arrived == {name: value for name, value in running.items() if name not in ("id", "account")}
    assert group.targets() == {(ADDRESS, 8080)}


def test_a_task_is_registered_at_its_start_and_deregistered_when_it_begins_to_stop(deployed, group, run):
    stack = deployed(ONE | {"TargetGroupArn": group.arn})
    function = run(stack.function["Environment"]["Variables"])
    stack.happens(sample("task-running.json"))
    messages, failed = stack.deliver(function)
    assert (len(messages), failed) == (1, [])
    assert group.targets() == {(ADDRESS, 8080)}

    stack.happens(sample("task-deactivating.json"))
    messages, failed = stack.deliver(function)
    assert (len(messages), failed) == (1, [])
    assert group.targets() == set()
    assert stack.deliver(function) == ([], [])
    assert stack.dead_letters() == []


@pytest.mark.parametrize("first", ["task-deactivating.json", "task-crashed.json"])
def test_a_stop_is_done_by_its_copy_before_its_message_arrives(deployed, group, run, first):
    stack = deployed(ONE | {"TargetGroupArn": group.arn})
    function = run(stack.function["Environment"]["Variables"])
    stop = sample(first)
    stack.happens(changed(stop, lastStatus="RUNNING", desiredStatus="RUNNING", version=3))
    stack.deliver(function)
    assert len(group.targets()) == 1

    stack.happens(stop)
    (copy,) = stack.copies()
    report = function.invoke(copy)
    assert [target["targetGroupArn"] for target in report["deregistered"]] == [group.arn]
    assert (report["skipped"], report["failed"], group.targets()) == ([], [], set())

    # The queue has its message all the same. (moto rejects the deregister of a target that is gone; AWS does not.)
    (message,), _failed = stack.deliver(function)
    assert json.loads(message["Body"])["detail"] == stop["detail"]


@pytest.mark.parametrize("first", ["task-deactivating.json", "task-crashed.json"])
def test_the_first_event_of_a_stop_also_goes_straight_to_the_function(deployed, first):
    """Pattern and input template are the stack's, and moto applies them; but it invokes no function from a rule (see stack.py)."""
    stack = deployed(ONE)
    stop = sample(first)
    stack.happens(sample("task-running.json"), stop, sample("task-stopped.json"), changed(stop, group="service:other-service"))
    (copy,) = stack.copies()
    event = copy.pop("event")
    assert copy == {"copy": "queued"}
    # The bus gives a new id; moto leaves the account out and puts a time of its own in.
    assert event.pop("id") and event.pop("ingestion-time")
    assert {name: value for name, value in stop.items() if name not in ("id", "account")} == {name: event[name] for name in event if name != "account"}


def test_what_cannot_be_done_fails_alone_and_ends_in_the_dead_letter_queue(deployed, group, moto_port, run):
    """Two services, of which one has lost its target group; and a message that is not JSON."""
    lost = TargetGroup(moto_port)
    bindings = [
        {"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group.arn, "port": 8080},
        {"cluster": "demo-cluster", "service": "other-service", "targetGroupArn": lost.arn, "port": 8080},
    ]
    stack = deployed(MANY | {"Bindings": json.dumps(bindings), "TargetGroupArns": f"{group.arn},{lost.arn}"})
    lost.delete()
    function = run(stack.function["Environment"]["Variables"])
    unregistrable = sample("task-other-service.json")
    stack.happens(unregistrable, sample("task-running.json"))
    not_json = stack.send("{not JSON")

    messages, failed = stack.deliver(function)
    bodies = {message["MessageId"]: message["Body"] for message in messages}
    assert len(bodies) == 3
    assert group.targets() == {(ADDRESS, 8080)}
    assert len(failed) == 2 and not_json in failed
    (other,) = set(failed) - {not_json}
    assert json.loads(bodies[other])["detail"] == unregistrable["detail"]

    for _ in range(stack.max_receive_count() - 1):
        assert stack.dead_letters() == []
        messages, failed_again = stack.deliver(function)
        assert {message["MessageId"] for message in messages} == set(failed_again) == set(failed)
    assert stack.deliver(function) == ([], [])
    assert {message["MessageId"]: message["Body"] for message in stack.dead_letters()} == {id: bodies[id] for id in failed}
    assert group.targets() == {(ADDRESS, 8080)}


def test_the_function_runs_where_the_template_says(deployed, bootstrap):
    # A binary for another machine runs by an emulator: what starts it is then not the binary, nor is the machine its own.
    machine = os.environ.get("BOOTSTRAP_ARCHITECTURE", platform.machine())
    parameters = ONE | {"Architecture": {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[machine]}
    function = deployed(parameters).function
    assert (function["Handler"], function["Runtime"]) == ("bootstrap", "provided.al2023")
    binary = Path(os.environ.get("BOOTSTRAP_ELF", bootstrap)).read_bytes()
    machines = {62: "x86_64", 183: "arm64"}  # e_machine of the ELF header
    # Of a stack moto takes every function for x86_64.
    architectures = resources(parameters, "AWS::Serverless::Function")["Function"]["Architectures"]
    assert architectures == [machines[int.from_bytes(binary[18:20], "little")]]
    glibc = max(int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", binary))
    assert glibc <= 34, "Amazon Linux 2023 has glibc 2.34"
