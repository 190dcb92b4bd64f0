"""One AWS endpoint for the function: records every call, passes ELBv2 on to moto and answers ECS from the events that were played.

moto's ECS knows no task that it did not start itself, and would report each as MISSING: to the function, a task that is gone.
"""

import http.client
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

ECS_TARGET = "AmazonEC2ContainerServiceV20141113."
ECS_HEADERS = {"Content-Type": "application/x-amz-json-1.1"}


@dataclass
class Call:
    action: str  # as IAM names it, "ecs:DescribeTasks"
    resources: list[str]  # the ARNs it touches, ["*"] where the action has none
    context: dict[str, str] = field(default_factory=dict)  # condition keys that the action fills


class AwsFront:
    def __init__(self, moto_port: int):
        self.calls: list[Call] = []
        self._moto_port = moto_port
        self._tasks: dict[str, dict] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def ecs_knows(self, detail: dict) -> None:
        """From now on DescribeTasks answers with this state of the task."""
        self._tasks[detail["taskArn"]] = detail

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

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
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                target = self.headers.get("X-Amz-Target", "")
                if target == f"{ECS_TARGET}DescribeTasks":
                    request = json.loads(body)
                    front.calls.append(Call("ecs:DescribeTasks", request["tasks"]))
                    return self._reply(200, ECS_HEADERS, json.dumps(front._describe_tasks(request)).encode())
                if target == f"{ECS_TARGET}ListTasks":
                    request = json.loads(body)
                    front.calls.append(Call("ecs:ListTasks", ["*"], {"ecs:cluster": request["cluster"]}))
                    return self._reply(200, ECS_HEADERS, json.dumps(front._list_tasks(request)).encode())
                if target == f"{ECS_TARGET}DescribeServices":
                    request = json.loads(body)
                    name = request["services"][0]
                    arn = f"{request['cluster'].replace(':cluster/', ':service/')}/{name}"
                    front.calls.append(Call("ecs:DescribeServices", [arn]))
                    service = {"serviceArn": arn, "serviceName": name, "status": "ACTIVE", "taskDefinition": "demo:1"}
                    return self._reply(200, ECS_HEADERS, json.dumps({"services": [service]}).encode())
                if target:
                    front.calls.append(Call(f"ecs:{target.removeprefix(ECS_TARGET)}", ["*"]))
                    return self._reply(400, {}, json.dumps({"__type": "InvalidAction", "message": target}).encode())
                query = dict(parse_qsl(body.decode()))
                front.calls.append(Call(f"elasticloadbalancing:{query.get('Action')}", [query.get("TargetGroupArn", "*")]))
                self._pass_on(body)

            def _pass_on(self, body: bytes) -> None:
                moto = http.client.HTTPConnection("127.0.0.1", front._moto_port, timeout=10)
                moto.request("POST", self.path, body, dict(self.headers))
                answer = moto.getresponse()
                self._reply(answer.status, {"Content-Type": answer.headers["Content-Type"]}, answer.read())
                moto.close()

            def _reply(self, status: int, headers: dict, body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": len(body)}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


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
