"""The Lambda Runtime API on loopback, enough to drive one function process.

Written apart from the project's Rust simulation on purpose: two readings of the same documentation agree less easily on a mistake.
"""

import json
import queue
import time
import uuid
from dataclasses import dataclass
from typing import Any

from loopback import Handler, Server

PREFIX = "/2018-06-01/runtime"


@dataclass
class Answer:
    kind: str  # "response", "error" (of one invocation) or "init error"
    payload: Any


class RuntimeApi(Server):
    """Hands events to the function one by one and takes its answers."""

    def __init__(self, timeout_seconds: float = 30):
        self.timeout_seconds = timeout_seconds
        self._events: queue.Queue = queue.Queue()
        self._answers: queue.Queue = queue.Queue()
        super().__init__(self._handler())  # its address is what AWS_LAMBDA_RUNTIME_API is set to

    def invoke(self, event: Any, is_alive=lambda: True) -> Answer:
        """Waits for the function's answer; fails when it dies or its time is up."""
        request_id = str(uuid.uuid4())
        deadline = time.time() + self.timeout_seconds
        self._events.put((request_id, deadline, json.dumps(event).encode()))
        while time.time() < deadline:
            try:
                answered_id, answer = self._answers.get(timeout=0.1)
            except queue.Empty:
                if not is_alive() and self._answers.empty():
                    raise AssertionError("the function ended without an answer") from None
                continue
            assert answered_id in (request_id, None), f"an answer to {answered_id}, which was not asked"
            return answer
        raise AssertionError(f"no answer within {self.timeout_seconds} s")

    def _handler(api):
        class Runtime(Handler):
            def do_GET(self):
                if self.path != f"{PREFIX}/invocation/next":
                    return self._reply(404, {"errorMessage": f"no such path: {self.path}"})
                request_id, deadline, event = api._events.get()
                self._reply(
                    200,
                    event,
                    {
                        "Lambda-Runtime-Aws-Request-Id": request_id,
                        "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
                        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-2:123456789012:function:demo",
                        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
                    },
                )

            def do_POST(self):
                body = json.loads(self._body() or b"null")
                match self.path.removeprefix(PREFIX).split("/")[1:]:
                    case ["init", "error"]:
                        api._answers.put((None, Answer("init error", body)))
                    case ["invocation", request_id, ("response" | "error") as kind]:
                        api._answers.put((request_id, Answer(kind, body)))
                    case _:
                        return self._reply(404, {"errorMessage": f"no such path: {self.path}"})
                self._reply(202, {"status": "OK"})

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                chunks = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass  # trailers
                return b"".join(chunks)

            def _reply(self, status, body, headers=()):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.reply(status, body, {"Content-Type": "application/json", **dict(headers)})

        return Runtime
