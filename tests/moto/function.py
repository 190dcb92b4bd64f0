"""The function's binary between the Runtime API and AWS."""

import json
import os
import subprocess
from pathlib import Path

from aws_front import AwsFront
from deployment import REGION
from runtime_api import RuntimeApi


class Function:
    """The binary as Lambda runs it: its environment and nothing of ours."""

    def __init__(self, bootstrap: Path, front: AwsFront, log: Path, variables: dict[str, str]):
        self._front = front
        self._log = log
        self._api = RuntimeApi()
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "demo",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/demo",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_ENDPOINT_URL": front.url,
            **variables,
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen([bootstrap], env=environment, stdout=output, stderr=subprocess.STDOUT)

    def told(self, event: dict) -> dict:
        """Gives it an event, or a batch of them, as of now; returns what it answered, which must not be an error."""
        for message in [json.loads(record["body"]) for record in event.get("Records", [])] or [event]:
            if "taskArn" in message.get("detail", {}):
                self._front.ecs_knows(message["detail"])
        return self.invoke(event)

    def invoke(self, event: dict) -> dict:
        try:
            answer = self._api.invoke(event, is_alive=lambda: self._process.poll() is None)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self._log.read_text()}") from None
        assert answer.kind == "response", f"{answer}\n{self._log.read_text()}"
        return answer.payload

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        self._api.close()
