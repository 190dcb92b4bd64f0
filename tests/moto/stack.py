"""The deployed stack in moto, with what is AWS's around it: ECS's events go in, and Lambda's poller brings the queue's messages to the function.

What moto does otherwise than AWS:
- it takes events of the source aws.ecs from anybody, so the tests can put ECS's own;
- a schedule never fires, but gets every event of its bus and then fails, because moto can call no function: its targets are removed;
- for the same reason the rule for stops sends its copies, as its input template makes them, into a queue of the
  tests, from which `copies` takes them; in them the event's time is a number, which `copies` puts right;
- it would run the function in a container for every message: the mapping is switched off, and `deliver` does what the mapping says;
- it asks no queue policy, nor the state of a rule.
"""

import json
import uuid
from datetime import UTC, datetime

import boto3
from aws_front import AwsFront
from cloudformation import create_stack
from deployment import REGION, Values, refusals, template
from function import Function


class Stack:
    def __init__(self, moto_port: int, front: AwsFront, parameters: dict[str, str]):
        client = lambda service: boto3.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{moto_port}")  # noqa: E731
        self._front = front
        self._events, self._sqs, self._cloudformation = client("events"), client("sqs"), client("cloudformation")
        self.name = f"stack-{uuid.uuid4().hex[:8]}"
        assert not refusals(parameters), refusals(parameters)
        outputs = create_stack(client, self.name, template(), parameters, Values(template(), parameters).condition)
        self.function = client("lambda").get_function_configuration(FunctionName=outputs["FunctionName"])
        (self.mapping,) = client("lambda").list_event_source_mappings(FunctionName=outputs["FunctionName"])["EventSourceMappings"]
        assert self.mapping["State"] == "Enabled"
        client("lambda").update_event_source_mapping(UUID=self.mapping["UUID"], Enabled=False)
        self._queue = self._url(self.mapping["EventSourceArn"])
        self._dead_letters = self._url(outputs["DeadLetterQueueArn"])
        self._copies = self._sqs.create_queue(QueueName=f"{self.name}-copies")["QueueUrl"]
        for rule in self._events.list_rules(NamePrefix=f"{self.name}-")["Rules"]:
            assert rule["State"] == "ENABLED"
            for target in self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                if target["Arn"] == self.function["FunctionArn"]:
                    self._events.remove_targets(Rule=rule["Name"], Ids=[target["Id"]])
                    if "ScheduleExpression" not in rule:
                        self._events.put_targets(Rule=rule["Name"], Targets=[target | {"Arn": self._arn(self._copies)}])

    def happens(self, *events: dict) -> None:
        """ECS has come to know of these, and puts them on the bus."""
        for event in events:
            if "taskArn" in event["detail"]:
                self._front.ecs_knows(event["detail"])
        entries = [
            {
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Time": datetime.fromisoformat(event["time"]),
                "Resources": event["resources"],
                "Detail": json.dumps(event["detail"]),
            }
            for event in events
        ]
        assert self._events.put_events(Entries=entries)["FailedEntryCount"] == 0

    def send(self, body: str) -> str:
        """Puts a message into the queue past the rule; returns its id."""
        return self._sqs.send_message(QueueUrl=self._queue, MessageBody=body)["MessageId"]

    def deliver(self, function: Function) -> tuple[list[dict], list[str]]:
        """One batch as the mapping has it: the messages, and which of them are back in the queue. They return at once, not after the visibility timeout."""
        messages = self._receive(self._queue)
        records = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": self.mapping["EventSourceArn"],
                "awsRegion": REGION,
            }
            for message in messages
        ]
        if not records:
            return [], []
        answer = function.invoke({"Records": records})
        reports = "ReportBatchItemFailures" in self.mapping.get("FunctionResponseTypes", [])
        failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] if reports else []
        for message in messages:
            handle = {"QueueUrl": self._queue, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] in failed:
                self._sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                self._sqs.delete_message(**handle)
        return messages, failed

    def copies(self) -> list[dict]:
        """What the rule for stops hands to the function, since the last time."""
        copies = []
        for message in self._receive(self._copies):
            copies.append(json.loads(message["Body"]))
            self._sqs.delete_message(QueueUrl=self._copies, ReceiptHandle=message["ReceiptHandle"])
        for copy in copies:
            copy["event"]["time"] = datetime.fromtimestamp(copy["event"]["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return copies

    def dead_letters(self) -> list[dict]:
        return self._receive(self._dead_letters)

    def max_receive_count(self) -> int:
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["RedrivePolicy"])["Attributes"]
        return json.loads(attributes["RedrivePolicy"])["maxReceiveCount"]

    def close(self) -> None:
        self._cloudformation.delete_stack(StackName=self.name)
        self._sqs.delete_queue(QueueUrl=self._copies)

    def _receive(self, queue: str) -> list[dict]:
        return self._sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages", [])

    def _arn(self, url: str) -> str:
        return self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def _url(self, arn: str) -> str:
        return self._sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
