"""What an organisation may ask of template.yaml: bounded roles in a path of their own, its own key, a reserved concurrency."""

import json

import pytest
from conftest import IN_VPC, ONE
from deployment import ROOT, as_list, deploy, refusals, resources, template

BOUNDARY = "arn:aws:iam::123456789012:policy/org/boundary"
KEY = "arn:aws:kms:us-east-2:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
ROLES = {"PermissionsBoundary": BOUNDARY, "RolePath": "/platform/ipv6/"}


def the(kind: str, parameters: dict[str, str], name: str) -> dict:
    return resources(parameters, f"AWS::{kind}")[name]


def test_every_role_is_bounded_and_in_the_path_if_told():
    for parameters, boundary, path in [(ONE, None, "/"), (ONE | ROLES, BOUNDARY, "/platform/ipv6/")]:
        roles = resources(parameters, "AWS::IAM::Role")
        assert roles.keys() == {name for name, resource in template()["Resources"].items() if resource["Type"] == "AWS::IAM::Role"}
        for name, role in roles.items():
            assert (role.get("PermissionsBoundary"), role["Path"]) == (boundary, path), name
    assert the("IAM::ManagedPolicy", ONE | IN_VPC | ROLES, "VpcPolicy")["Path"] == "/platform/ipv6/"


def test_a_key_of_your_own_encrypts_queues_log_and_environment():
    own = deploy(ONE | {"KmsKeyArn": KEY})
    assert own.queue["KmsMasterKeyId"] == own.dead_letter_queue["KmsMasterKeyId"] == KEY
    for name, queue in resources(ONE | {"KmsKeyArn": KEY}, "AWS::SQS::Queue").items():
        assert "SqsManagedSseEnabled" not in queue, name  # SQS refuses both
    assert the("Serverless::Function", ONE | {"KmsKeyArn": KEY}, "Function")["KmsKeyArn"] == KEY  # which moto does not keep
    assert the("Logs::LogGroup", ONE | {"KmsKeyArn": KEY}, "LogGroup")["KmsKeyId"] == KEY
    assert (own.statements["Decrypt"]["Action"], as_list(own.statements["Decrypt"]["Resource"])) == ("kms:Decrypt", [KEY])


def test_without_a_key_of_your_own_those_of_aws_are_used(one):
    for queue in (one.queue, one.dead_letter_queue):
        assert "KmsMasterKeyId" not in queue
    assert "KmsKeyArn" not in the("Serverless::Function", ONE, "Function")
    assert "KmsKeyId" not in the("Logs::LogGroup", ONE, "LogGroup")
    assert "kms:Decrypt" not in {action for statement in one.statements.values() for action in as_list(statement["Action"])}


def test_the_documented_key_policy_admits_those_who_use_the_key():
    (policy,) = [block for block in (ROOT / "docs/deploy-with-sam.md").read_text().split("```") if block.startswith("json") and "kms:" in block]
    statements = json.loads(policy.removeprefix("json"))
    assert {s["Principal"]["Service"]: as_list(s["Action"]) for s in statements} == {
        "events.amazonaws.com": ["kms:GenerateDataKey", "kms:Decrypt"],
        "logs.us-east-2.amazonaws.com": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
    }
    name = the("Logs::LogGroup", ONE, "LogGroup")["LogGroupName"]
    assert statements[1]["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"] == (
        f"arn:aws:logs:us-east-2:123456789012:log-group:{name.replace('stack', 'ecs-ipv6-targets')}"
    )


def test_concurrency_is_reserved_only_if_told():
    assert "ReservedConcurrentExecutions" not in the("Serverless::Function", ONE, "Function")
    assert the("Serverless::Function", ONE | {"ReservedConcurrency": "5"}, "Function")["ReservedConcurrentExecutions"] == "5"


@pytest.mark.parametrize(
    "parameters, named",
    [
        ({"PermissionsBoundary": "boundary"}, "PermissionsBoundary"),
        ({"RolePath": "platform"}, "RolePath"),
        ({"RolePath": "/platform"}, "RolePath"),
        ({"KmsKeyArn": "alias/aws/sqs"}, "KmsKeyArn"),
        ({"ReservedConcurrency": "0"}, "ReservedConcurrency"),
        ({"ReservedConcurrency": "4"}, "ReservedConcurrency"),  # the queue's two would leave too little for the rest
    ],
)
def test_senseless_wishes_are_refused_by_name(parameters, named):
    assert refusals(ONE | parameters) == [named]
    assert refusals(ONE | ROLES | {"KmsKeyArn": KEY, "ReservedConcurrency": "100"}) == []
