"""The real binary against moto: a Runtime API of our own on one side, an ELBv2 that others wrote on the other.

What this is worth: another reading of the protocol. Calls that moto cannot parse, ports that arrive as something else, answers shaped unlike ours show up
here. It is not where correctness is decided, because moto is unlike AWS in just the points that matter. It
- keys targets by address alone: the same address on a second port replaces the first, and is removed whatever port the call names;
- rejects the deregistration of a target it does not know, where AWS succeeds;
- checks neither address family nor subnet;
- knows no registration lag and no draining: a target is healthy at once and gone at once;
- knows no quota and no throttling.
No test here leans on any of these; the simulated AWS in `sim/` has them right and is what the Rust tests run on. moto's ECS is not used at all: it knows only
tasks that it started itself, so `aws_front.py` answers DescribeTasks from the events played.
"""

import fnmatch
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone
from pathlib import Path

import boto3
import pytest
from aws_front import AwsFront, Call
from conftest import ONE
from deployment import REGION, ROOT, as_list, deploy
from runtime_api import Answer, RuntimeApi

ADDRESS = "2001:db8:1234:1a00:9691:9503:25ad:1761"
SECOND_ADDRESS = "2001:db8:1234:1a00:47f2:8be1:6c0d:93aa"
GROUPS_OWN_PORT = 9090


@pytest.fixture(scope="session")
def bootstrap() -> Path:
    default = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "ecs-ipv6-targets"
    path = Path(os.environ.get("BOOTSTRAP", default)).resolve()
    if not os.access(path, os.X_OK):
        pytest.fail(f"no function at {path}: run `cargo build`, or name another binary in BOOTSTRAP", pytrace=False)
    return path


@pytest.fixture(scope="session")
def moto_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None, f"moto_server ended with {server.returncode}"
                time.sleep(0.1)
        else:
            pytest.fail("moto_server did not answer within 30 s")
        yield port
    finally:
        server.terminate()
        server.wait(10)


class TargetGroup:
    """A target group of type ip and IP address type ipv6, made and read through boto3."""

    def __init__(self, moto_port: int):
        client = lambda service: boto3.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{moto_port}")  # noqa: E731
        vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
        self._ec2, self._vpc = client("ec2"), vpc
        self._elb = client("elbv2")
        (group,) = self._elb.create_target_group(
            Name=f"demo-{uuid.uuid4().hex[:8]}",
            Protocol="TCP",
            Port=GROUPS_OWN_PORT,
            VpcId=vpc,
            TargetType="ip",
            IpAddressType="ipv6",
        )["TargetGroups"]
        assert group["IpAddressType"] == "ipv6", group
        self.arn = group["TargetGroupArn"]

    def stand_behind_a_load_balancer(self) -> None:
        subnet = self._ec2.create_subnet(VpcId=self._vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        (balancer,) = self._elb.create_load_balancer(Name=f"nlb-{uuid.uuid4().hex[:8]}", Type="network", Subnets=[subnet])["LoadBalancers"]
        forward = {"Type": "forward", "TargetGroupArn": self.arn}
        self._elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="TCP", Port=443, DefaultActions=[forward])

    def targets(self) -> set[tuple[str, int]]:
        health = self._elb.describe_target_health(TargetGroupArn=self.arn)["TargetHealthDescriptions"]
        return {(described["Target"]["Id"], described["Target"]["Port"]) for described in health}


class Function:
    """The binary as Lambda runs it: its environment and nothing of ours."""

    def __init__(self, bootstrap: Path, front: AwsFront, log: Path, bindings: list[dict]):
        self._front = front
        self._log = log
        self._api = RuntimeApi()
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "demo",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/demo",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_ENDPOINT_URL": front.url,
            "BINDINGS": json.dumps(bindings),
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen([bootstrap], env=environment, stdout=output, stderr=subprocess.STDOUT)

    def told(self, event: dict) -> dict:
        """Gives it an event, or a batch of them, as of now; returns what it answered, which must not be an error."""
        for message in [json.loads(record["body"]) for record in event.get("Records", [])] or [event]:
            if "taskArn" in message.get("detail", {}):
                self._front.ecs_knows(message["detail"])
        try:
            answer = self._api.invoke(event, is_alive=lambda: self._process.poll() is None)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self._log.read_text()}") from None
        assert answer.kind == "response", f"{answer}\n{self._log.read_text()}"
        return answer.payload

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        self._api.close()


@pytest.fixture
def group(moto_port) -> TargetGroup:
    return TargetGroup(moto_port)


@pytest.fixture
def front(moto_port):
    front = AwsFront(moto_port)
    yield front
    front.close()


@pytest.fixture
def start(bootstrap, front, group, tmp_path):
    """Starts the function with one binding of demo-service to the group; what is given here is added to the binding."""
    started = []

    def start(**binding) -> Function:
        binding = {"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group.arn, **binding}
        started.append(Function(bootstrap, front, tmp_path / f"function-{len(started)}.log", [binding]))
        return started[-1]

    yield start
    for function in started:
        function.close()


def now(event: dict) -> dict:
    """The event as if it happened this moment: the function believes a RUNNING only while it is fresh."""
    time_now = datetime.now(timezone.utc)
    event["time"] = time_now.strftime("%Y-%m-%dT%H:%M:%SZ")
    event["detail"]["updatedAt"] = time_now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def sample(name: str) -> dict:
    event = json.loads((ROOT / "events" / name).read_text())
    for record in event.get("Records", []):
        message = json.loads(record["body"])
        if "detail" in message:
            record["body"] = json.dumps(now(message))
    return now(event) if "taskArn" in event.get("detail", {}) else event


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


def test_the_template_allows_exactly_the_calls_that_the_function_makes(start, front, group):
    """Not only what it calls: also that nothing is allowed in template.yaml which it never calls."""
    statements = deploy({**ONE, "TargetGroupArn": group.arn, "Port": ""}).statements.values()
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
        if not any(allows(statement, call, resource) for statement in statements)
    ]
    assert denied == []
    # Lambda itself, not the function, reads the queue and writes the log.
    allowed = {action for s in statements for action in as_list(s["Action"]) if not action.startswith(("sqs:", "logs:"))}
    assert allowed == {call.action for call in front.calls}
