import os

import pytest
from deployment import REGION, deploy

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


@pytest.fixture(scope="session")
def one():
    """Deployed with the parameters of a single binding."""
    return deploy(ONE)


@pytest.fixture(scope="session")
def many():
    """Deployed with Bindings."""
    return deploy(MANY)
