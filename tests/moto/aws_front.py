"""One AWS endpoint for the function: records every call, passes ELBv2, STS and the Tagging API on to moto and answers ECS from the events that were played.

moto's ECS knows no task that it did not start itself, and would report each as MISSING: to the function, a task that is gone.
"""

import http.client
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from loopback import Handler, Server

ECS_TARGET = "AmazonEC2ContainerServiceV20141113."
TAGGING_TARGET = "ResourceGroupsTaggingAPI_20170126."
ECS_HEADERS = {"Content-Type": "application/x-amz-json-1.1"}


@dataclass
class Call:
    action: str  # as IAM names it, "ecs:DescribeTasks"
    resources: list[str]  # the ARNs it touches, ["*"] where the action has none
    context: dict[str, str] = field(default_factory=dict)  # condition keys that the action fills


class AwsFront(Server):
    def __init__(self, moto_port: int):
        self.calls: list[Call] = []
        self._moto_port = moto_port
        self._tasks: dict[str, dict] = {}
        super().__init__(self._handler())

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def ecs_knows(self, detail: dict) -> None:
        """From now on DescribeTasks answers with this state of the task."""
        self._tasks[detail["taskArn"]] = detail

    def _describe_tasks(self, request: dict) -> dict:
        asked = request["tasks"]
        return {
            "tasks": [as_described(self._tasks[arn]) for arn in asked if arn in self._tasks],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn in asked if arn not in self._tasks],
        }

    def _list_tasks(self, request: dict) -> dict:
        listed = [
            arn
            for arn, task in self._tasks.items()
            if task["group"] == f"service:{request['serviceName']}" and task["desiredStatus"] == request.get("desiredStatus", "RUNNING")
        ]
        return {"taskArns": listed}

    def _handler(front):
        class Front(Handler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                target = self.headers.get("X-Amz-Target", "")
                if target == f"{ECS_TARGET}DescribeTasks":
                    request = json.loads(body)
                    front.calls.append(Call("ecs:DescribeTasks", request["tasks"]))
                    return self.reply(200, json.dumps(front._describe_tasks(request)).encode(), ECS_HEADERS)
                if target == f"{ECS_TARGET}ListTasks":
                    request = json.loads(body)
                    front.calls.append(Call("ecs:ListTasks", ["*"], {"ecs:cluster": request["cluster"]}))
                    return self.reply(200, json.dumps(front._list_tasks(request)).encode(), ECS_HEADERS)
                if target == f"{ECS_TARGET}DescribeServices":
                    request = json.loads(body)
                    name = request["services"][0]
                    arn = f"{request['cluster'].replace(':cluster/', ':service/')}/{name}"
                    front.calls.append(Call("ecs:DescribeServices", [arn]))
                    service = {"serviceArn": arn, "serviceName": name, "status": "ACTIVE", "taskDefinition": "demo:1"}
                    return self.reply(200, json.dumps({"services": [service]}).encode(), ECS_HEADERS)
                if target.startswith(TAGGING_TARGET):
                    front.calls.append(Call(f"tag:{target.removeprefix(TAGGING_TARGET)}", ["*"]))
                    return self._pass_on(body)
                if target:
                    front.calls.append(Call(f"ecs:{target.removeprefix(ECS_TARGET)}", ["*"]))
                    return self.reply(400, json.dumps({"__type": "InvalidAction", "message": target}).encode())
                query = dict(parse_qsl(body.decode()))
                if query.get("Action") == "AssumeRole":
                    front.calls.append(Call("sts:AssumeRole", [query["RoleArn"]]))
                else:
                    front.calls.append(Call(f"elasticloadbalancing:{query.get('Action')}", [query.get("TargetGroupArn", "*")]))
                self._pass_on(body)

            def _pass_on(self, body: bytes) -> None:
                moto = http.client.HTTPConnection("127.0.0.1", front._moto_port, timeout=10)
                moto.request("POST", self.path, body, dict(self.headers))
                answer = moto.getresponse()
                content_type = answer.headers["Content-Type"]
                self.reply(answer.status, answer.read(), {"Content-Type": content_type})
                moto.close()

        return Front


def as_described(detail: dict) -> dict:
    """An event's `detail` in the words of DescribeTasks: times are left out, the interface's attachment is called otherwise."""
    described = {
        name: detail[name]
        for name in ("taskArn", "clusterArn", "group", "version", "desiredStatus", "lastStatus", "launchType")
        if name in detail
    }
    described["attachments"] = [
        {**attachment, "type": "ElasticNetworkInterface" if attachment["type"] == "eni" else attachment["type"]}
        for attachment in detail.get("attachments", [])
    ]
    described["containers"] = [
        {name: container[name] for name in ("containerArn", "taskArn", "name", "lastStatus", "networkInterfaces") if name in container}
        for container in detail["containers"]
    ]
    return described
