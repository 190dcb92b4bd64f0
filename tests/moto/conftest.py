import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from aws_front import AwsFront
from deployment import REGION, ROOT, deploy
from function import Function
from ministack import Ministack
from target_group import TargetGroup

# Before any client exists: the region that SAM's translator asks for, and credentials that are nobody's.
os.environ.pop("AWS_PROFILE", None)
os.environ |= {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}

CLUSTER_ARN = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster"
GROUP_ARN = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09"

ONE = {"ClusterName": "demo-cluster", "ServiceName": "demo-service", "TargetGroupArn": GROUP_ARN, "Port": "8080"}
MANY = {
    "Bindings": '[{"cluster":"demo-cluster","service":"demo-service","targetGroupArn":"%s"}]' % GROUP_ARN,
    "TargetGroupArns": f"{GROUP_ARN},{GROUP_ARN.replace('demo-ipv6', 'more-ipv6')}",
    "ClusterArns": f"{CLUSTER_ARN},{CLUSTER_ARN.replace('demo', 'more')}",
}
TAGS = {"Discover": "tags"}
ROLE_ARN = "arn:aws:iam::222222222222:role/ecs-ipv6-targets"
ELSEWHERE = {
    "Bindings": '[{"cluster":"demo-cluster","service":"demo-service","targetGroupArn":"%s","roleArn":"%s"}]'
    % (GROUP_ARN.replace(":123456789012:", ":222222222222:"), ROLE_ARN),
    "ClusterArns": CLUSTER_ARN,
    "RoleArns": f"{ROLE_ARN},{ROLE_ARN}-2",
}
IN_VPC = {"SubnetIds": "subnet-0a1b,subnet-2c3d", "SecurityGroupIds": "sg-0a1b"}


@pytest.fixture(scope="session")
def one():
    """Deployed with the parameters of a single binding."""
    return deploy(ONE)


@pytest.fixture(scope="session")
def holding():
    """Deployed so that deployments are held."""
    return deploy(ONE | {"HoldMinutes": "15"})


@pytest.fixture(scope="session")
def many():
    """Deployed with Bindings."""
    return deploy(MANY)


@pytest.fixture(scope="session")
def tagging():
    """Deployed so that bindings are read from tags."""
    return deploy(TAGS)


@pytest.fixture(scope="session")
def in_vpc():
    """Deployed with a single binding into a VPC."""
    return deploy(ONE | IN_VPC)


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


@pytest.fixture
def group(moto_port) -> TargetGroup:
    return TargetGroup(moto_port)


@pytest.fixture
def front(moto_port):
    front = AwsFront(moto_port)
    yield front
    front.close()


@pytest.fixture
def run(bootstrap, front, tmp_path):
    """Runs the function with these variables in its environment."""
    running = []

    def run(variables: dict[str, str]) -> Function:
        running.append(Function(bootstrap, front, tmp_path / f"function-{len(running)}.log", variables))
        return running[-1]

    yield run
    for function in running:
        function.close()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    emulator = Ministack(tmp_path_factory.mktemp("ministack") / "log")
    yield emulator
    emulator.close()
