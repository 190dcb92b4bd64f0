"""A second emulator of AWS, which creates the types that moto leaves out, checks a template's rules and patterns, and runs the function itself: ministack.

Unlike AWS it knows neither IPv6 target groups (the type is dropped, ids are not checked, ARNs do not end in hexadecimal digits), nor events of ECS tasks, nor
the types in NOT_CREATED; EventBridge takes no events of source aws.ecs from tests, as on AWS.
"""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from deployment import REGION, ROOT

NOT_CREATED = {
    "AWS::EC2::VPCCidrBlock": "that the VPC gets its IPv6 range",
    "AWS::EC2::EgressOnlyInternetGateway": "that private subnets have a way out",
    "AWS::ECS::CapacityProvider": "that instances are started for tasks",
    "AWS::ECS::ClusterCapacityProviderAssociations": "that the cluster uses them",
    "AWS::VpcLattice::ServiceNetwork": "all of VPC Lattice",
    "AWS::VpcLattice::ServiceNetworkVpcAssociation": "all of VPC Lattice",
    "AWS::VpcLattice::Service": "all of VPC Lattice",
    "AWS::VpcLattice::ServiceNetworkServiceAssociation": "all of VPC Lattice",
    "AWS::VpcLattice::Listener": "all of VPC Lattice",
    "AWS::VpcLattice::TargetGroup": "all of VPC Lattice",
}
# And the attributes of the examples' resources that it does not know.
ATTRIBUTES = {
    ("Vpc", "CidrBlock"): "10.20.0.0/16",
    ("Vpc", "Ipv6CidrBlocks"): ["2001:db8:1234:1a00::/56"],
    ("SubnetA", "Ipv6CidrBlocks"): ["2001:db8:1234:1a00::/64"],
    ("SubnetB", "Ipv6CidrBlocks"): ["2001:db8:1234:1a01::/64"],
    ("TargetGroup", "Arn"): "arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-0123456789abcdef0",
    ("LatticeService", "DnsEntry.DomainName"): "example.vpc-lattice-svcs.us-east-2.on.aws",
}


class Ministack:
    def __init__(self, log: Path):
        program = ROOT / ".ci/ministack/bin/ministack"
        if not os.access(program, os.X_OK):
            pytest.fail(f"no ministack at {program}: install tests/moto/ministack.txt into a virtual environment there", pytrace=False)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        loopback = {"GATEWAY_PORT": str(self.port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}
        environment = os.environ | loopback | {"TMPDIR": str(log.parent)}  # it leaves functions' code behind
        with log.open("wb") as output:
            self._server = subprocess.Popen([program], env=environment, stdout=output, stderr=subprocess.STDOUT)
        self.wait_until(self._answers)
        self.client("s3").create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": REGION})

    def client(self, service: str):
        account = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "testing"}  # the key is the account there
        return boto3.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{self.port}", **account)

    def wait_until(self, holds, seconds: float = 60):
        """What `holds` returns as soon as it is something."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            assert self._server.poll() is None, f"ministack ended with {self._server.returncode}"
            if found := holds():
                return found
            time.sleep(0.2)
        raise AssertionError(f"not within {seconds} s")

    def create_stack(self, name: str, body: str, parameters: dict[str, str]) -> dict[str, str]:
        """Returns the stack's outputs."""
        cloudformation = self.client("cloudformation")
        given = [{"ParameterKey": parameter, "ParameterValue": value} for parameter, value in parameters.items()]
        self.client("s3").put_object(Bucket="templates", Key=name, Body=body)  # from where one of over 51,200 bytes must come
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"http://127.0.0.1:{self.port}/templates/{name}",
            Parameters=given,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )

        def made():
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        stack = self.wait_until(made)
        assert stack["StackStatus"] == "CREATE_COMPLETE", [
            (event["LogicalResourceId"], event.get("ResourceStatusReason"))
            for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            if "FAILED" in event["ResourceStatus"]
        ]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def close(self) -> None:
        self._server.terminate()
        self._server.wait(20)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def creatable(template: dict) -> dict:
    """The template without the types in NOT_CREATED; what refers to such a resource finds its name."""
    left_out = {name for name, resource in template["Resources"].items() if resource["Type"] in NOT_CREATED}

    def kept(value):
        match value:
            case {"Ref": name} if name in left_out:
                return name
            case {"Fn::GetAtt": [str(name), str(attribute)]} if (name, attribute) in ATTRIBUTES:
                return ATTRIBUTES[name, attribute]
            case dict():
                return {key: kept(inner) for key, inner in value.items()}
            case list():
                return [kept(inner) for inner in value]
        return value

    resources = {name: kept(resource) for name, resource in template["Resources"].items() if name not in left_out}
    for resource in resources.values():
        needed = resource.pop("DependsOn", [])
        needed = [name for name in ([needed] if isinstance(needed, str) else needed) if name not in left_out]
        resource |= {"DependsOn": needed} if needed else {}
    return template | {"Resources": resources, "Outputs": kept(template["Outputs"])}
