"""What is asked of the three ways to deploy."""

import json
from dataclasses import dataclass, field

CLUSTER_ARN = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster"
GROUP_ARN = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09"
LATTICE_ARN = "arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-0123456789abcdef0"
THERE = GROUP_ARN.replace(":123456789012:", ":222222222222:")
ROLE_ARN = "arn:aws:iam::222222222222:role/ecs-ipv6-targets"


@dataclass
class Wish:
    """What is asked of each way: bindings as the function reads them, and the template's other parameters by their names."""

    bindings: list[dict]
    others: dict = field(default_factory=dict)

    def for_template(self) -> dict[str, str]:
        text = lambda value: ",".join(value) if isinstance(value, list) else json.dumps(value) if isinstance(value, bool) else str(value)  # noqa: E731
        others = {name: text(value) for name, value in self.others.items()}
        match self.bindings:
            case [{"service": service, "targetGroupArn": group, "port": port}]:
                return others | {"ClusterName": "demo-cluster", "ServiceName": service, "TargetGroupArn": group, "Port": str(port)}
            case []:
                return others
        groups = [binding["targetGroupArn"] for binding in self.bindings if "roleArn" not in binding]
        roles = [binding["roleArn"] for binding in self.bindings if "roleArn" in binding]
        bindings = json.dumps([{"cluster": CLUSTER_ARN} | binding for binding in self.bindings])
        return others | {"Bindings": bindings, "TargetGroupArns": ",".join(groups), "ClusterArns": CLUSTER_ARN, "RoleArns": ",".join(roles)}

    def for_cdk(self) -> dict:
        camel = lambda name: name[0].lower() + name[1:]  # noqa: E731
        return {"bindings": self.bindings, "props": {camel(name): value for name, value in self.others.items()}}

    def for_terraform(self) -> dict:
        bindings = [{snake(name): value for name, value in ({"cluster": "demo-cluster"} | binding).items()} for binding in self.bindings]
        return {"bindings": bindings} | {snake(name): value for name, value in self.others.items()}


def snake(name: str) -> str:
    """`ReconcileMinutes` and `targetGroupArn` as Terraform writes them."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


WISHES = {
    "one": Wish([{"service": "demo-service", "targetGroupArn": GROUP_ARN, "port": 8080}]),
    "one, with everything": Wish(
        [{"service": "demo-service", "targetGroupArn": LATTICE_ARN, "port": 8080}],
        {
            "HoldMinutes": 15,
            "Lattice": True,
            "DryRun": True,
            "Prune": "all",
            "AlarmTopicArn": "arn:aws:sns:us-east-2:123456789012:on-call",
            "RunbookUrl": "https://wiki.example/runbook",
            "ExpectedUnowned": 3,
            "LogLevel": "DEBUG",
            "LogRetentionDays": 365,
            "Architecture": "x86_64",
            "SubnetIds": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
            "SecurityGroupIds": ["sg-0a1b2c3d"],
            "UseDualStackEndpoints": True,
            "PermissionsBoundary": "arn:aws:iam::123456789012:policy/org/boundary",
            "RolePath": "/platform/",
            "KmsKeyArn": "arn:aws:kms:us-east-2:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f",
            "ReservedConcurrency": 10,
        },
    ),
    "many": Wish(
        [
            {"service": "demo-service", "targetGroupArn": GROUP_ARN},
            {"service": "other-service", "targetGroupArn": GROUP_ARN.replace("demo-ipv6", "other-ipv6"), "port": 53, "hold": False},
            {"service": "fourth-service", "targetGroupArn": LATTICE_ARN},
            {"service": "third-service", "targetGroupArn": THERE, "roleArn": ROLE_ARN, "externalId": "prod-web", "zone": "all"},
        ],
        {"ReconcileMinutes": 60, "Dashboard": False, "Lattice": True},
    ),
    "one, of a family": Wish([{"family": "batch", "targetGroupArn": GROUP_ARN, "port": 9000}], {"HoldMinutes": 15}),
    "tags": Wish([], {"Discover": "tags", "HoldMinutes": 15, "Lattice": True}),
}
