"""A target group in moto."""

import uuid

import boto3
from deployment import REGION

GROUPS_OWN_PORT = 9090


class TargetGroup:
    """A target group of type ip and IP address type ipv6, made and read through boto3."""

    def __init__(self, moto_port: int, account=boto3):
        client = lambda service: account.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{moto_port}")  # noqa: E731
        vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
        self._ec2, self.vpc = client("ec2"), vpc
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
        subnet = self._ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        (balancer,) = self._elb.create_load_balancer(Name=f"nlb-{uuid.uuid4().hex[:8]}", Type="network", Subnets=[subnet])["LoadBalancers"]
        forward = {"Type": "forward", "TargetGroupArn": self.arn}
        self._elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="TCP", Port=443, DefaultActions=[forward])

    def tag(self, key: str, value: str) -> None:
        self._elb.add_tags(ResourceArns=[self.arn], Tags=[{"Key": key, "Value": value}])

    def untag(self, key: str) -> None:
        self._elb.remove_tags(ResourceArns=[self.arn], TagKeys=[key])

    def delete(self) -> None:
        self._elb.delete_target_group(TargetGroupArn=self.arn)

    def targets(self) -> set[tuple[str, int]]:
        health = self._elb.describe_target_health(TargetGroupArn=self.arn)["TargetHealthDescriptions"]
        return {(described["Target"]["Id"], described["Target"]["Port"]) for described in health}
