"""template.yaml as ministack deploys it, rules and patterns checked, every type created, and the real function run by its queue's mapping.

ECS's part is played by aws_front.py, because ministack's ECS knows no such tasks; messages are put into the queue, because its EventBridge takes no events of
source aws.ecs. A target group's ARN has no hexadecimal end there, so the patterns of the template that ask for one are widened.
"""

import io
import json
import zipfile

import pytest
from aws_front import AwsFront
from cloudformation import translate
from conftest import ONE
from deployment import template
from samples import ADDRESS, SECOND_ADDRESS, sample

HEXADECIMAL = "/[0-9a-f]+"


def body(parameters: dict[str, str]) -> str:
    source = template()
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://packages/bootstrap.zip"
    return json.dumps(translate(source, parameters))


class Deployed:
    """The stack, with one group that the function writes to."""

    def __init__(self, emulator, bootstrap):
        self._emulator = emulator
        vpc = emulator.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        group = emulator.client("elbv2").create_target_group(Name="demo-ipv6", Protocol="TCP", Port=8080, VpcId=vpc, TargetType="ip", IpAddressType="ipv6")
        self.group = group["TargetGroups"][0]["TargetGroupArn"]
        self._upload(bootstrap)
        parameters = ONE | {"TargetGroupArn": self.group}
        self.outputs = emulator.create_stack("stack", body(parameters).replace(HEXADECIMAL, "/[0-9a-z]+"), parameters)
        # The function's calls go by what plays ECS, and from there to the emulator.
        self.front = AwsFront(emulator.port)
        functions = emulator.client("lambda")
        variables = functions.get_function_configuration(FunctionName=self.outputs["FunctionName"])["Environment"]["Variables"]
        urls = {f"AWS_ENDPOINT_URL_{service}": self.front.url for service in ("ECS", "ELASTIC_LOAD_BALANCING_V2")}
        functions.update_function_configuration(FunctionName=self.outputs["FunctionName"], Environment={"Variables": variables | urls})

    def _upload(self, bootstrap) -> None:
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, bootstrap.read_bytes())
        s3 = self._emulator.client("s3")
        s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
        s3.put_object(Bucket="packages", Key="bootstrap.zip", Body=package.getvalue())

    def send(self, event: dict | str) -> None:
        if isinstance(event, dict):
            self.front.ecs_knows(event["detail"])
        body = event if isinstance(event, str) else json.dumps(event)
        self._emulator.client("sqs").send_message(QueueUrl=self.outputs["QueueUrl"], MessageBody=body)

    def targets(self) -> set[str]:
        health = self._emulator.client("elbv2").describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return {described["Target"]["Id"] for described in health}

    def waiting(self) -> int:
        """Messages in the queue, those under way or hidden included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self._emulator.client("sqs").get_queue_attributes(QueueUrl=self.outputs["QueueUrl"], AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)


@pytest.fixture(scope="module")
def deployed(emulator, bootstrap):
    deployed = Deployed(emulator, bootstrap)
    yield deployed
    deployed.front.close()


def test_the_queue_brings_tasks_into_the_group_and_takes_them_out(deployed, emulator):
    deployed.send(sample("task-running.json"))
    emulator.wait_until(lambda: deployed.targets() == {ADDRESS})
    deployed.send(sample("task-deactivating.json"))
    emulator.wait_until(lambda: deployed.targets() == set())
    emulator.wait_until(lambda: deployed.waiting() == 0)


def test_only_the_message_that_failed_stays_in_the_queue(deployed, emulator):
    deployed.send("{not JSON")
    deployed.send(sample("task-running-second.json"))
    emulator.wait_until(lambda: deployed.targets() == {SECOND_ADDRESS})
    emulator.wait_until(lambda: deployed.waiting() == 1)


def test_what_moto_leaves_out_is_created(deployed, emulator):
    alarms = emulator.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["AlarmName"] for alarm in alarms} >= {"stack-drift", "stack-dead-letter-queue", "stack-no-reconcile"}
    name = deployed.outputs["FunctionName"]
    retries = emulator.client("lambda").get_function_event_invoke_config(FunctionName=name, Qualifier="$LATEST")
    assert (retries["MaximumRetryAttempts"], retries["MaximumEventAgeInSeconds"]) == (0, 60)
    policy = emulator.client("sqs").get_queue_attributes(QueueUrl=deployed.outputs["QueueUrl"], AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert {statement["Sid"] for statement in json.loads(policy)["Statement"]} == {"SendFromRule", "DenyWithoutTls"}


@pytest.mark.parametrize(
    "parameters, named",
    [
        ({"Port": "0"}, "Port"),
        ({"TargetGroupArns": ONE["TargetGroupArn"]}, "TargetGroupArns belongs to Bindings"),
        ({"HoldMinutes": "15", "ReconcileMinutes": "5"}, "HoldMinutes needs ReconcileMinutes 1"),
    ],
)
def test_the_emulator_refuses_senseless_parameters_too(emulator, parameters, named):
    with pytest.raises(emulator.client("cloudformation").exceptions.ClientError, match=named):
        emulator.create_stack("refused", body(ONE | parameters), ONE | parameters)
