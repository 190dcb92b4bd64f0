"""The construct from Python: synthesises a stack with an imported service and group, and with the zip that the wheel contains."""

import aws_cdk as cdk
from aws_cdk import assertions, aws_ecs as ecs, aws_elasticloadbalancingv2 as elbv2
from ecs_ipv6_targets import EcsIpv6Targets, TargetGroupBinding

SERVICE = "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo-service"
GROUP = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09"

stack = cdk.Stack(cdk.App(), "stack", env=cdk.Environment(account="123456789012", region="us-east-2"))
service = ecs.BaseService.from_service_arn_with_cluster(stack, "Service", SERVICE)
group = elbv2.NetworkTargetGroup.from_target_group_attributes(stack, "Group", target_group_arn=GROUP)
targets = EcsIpv6Targets(stack, "Targets", bindings=[TargetGroupBinding(service=service, target_group=group, port=8080)], hold_minutes=15)

template = assertions.Template.from_stack(stack)
template.has_resource_properties("AWS::Lambda::Function", {"Architectures": ["arm64"], "Code": {"S3Key": assertions.Match.any_value()}})
template.resource_count_is("AWS::CloudWatch::Alarm", 8)
try:
    EcsIpv6Targets(stack, "Other", bindings=[])
except RuntimeError as refused:
    assert "give bindings" in str(refused), refused
else:
    raise AssertionError("no bindings were taken")
print("1 passed, 0 failed")
