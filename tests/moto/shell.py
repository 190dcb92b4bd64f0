"""The blocks of shell commands in docs/, run by bash with the AWS CLI against moto."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from deployment import REGION, ROOT

# What cannot be done here: moto runs functions in containers only, nothing is built anew, and nobody is waited for.
STANDINS = """
set -euo pipefail
aws() { case "$1 $2" in "lambda invoke") echo '{}' ;; *) "$AWS_CLI" --endpoint-url "$AWS_ENDPOINT_URL" "$@" ;; esac; }
cargo() { [ "$1 $2" = "lambda build" ] && mkdir -p target/lambda/ecs-ipv6-targets && printf zip >target/lambda/ecs-ipv6-targets/bootstrap.zip; }
sleep() { :; }
"""


def blocks(document: str, heading: str | None = None) -> list[str]:
    """The blocks of commands of a document in docs/, or of one section of it."""
    text = (ROOT / "docs" / document).read_text()
    if heading:
        (text,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return [re.sub("^  ", "", block, flags=re.MULTILINE) for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)]


class Shell:
    def __init__(self, moto_port: int, folder: Path):
        cli = Path(os.environ.get("AWS_CLI", ROOT / ".ci" / "awscli" / "bin" / "aws"))
        if not os.access(cli, os.X_OK):
            pytest.fail(f"no AWS CLI at {cli}: install tests/moto/awscli.txt into a virtual environment there", pytrace=False)
        self._folder = folder
        self._environment = os.environ | {
            "AWS_CLI": str(cli),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{moto_port}",
            "AWS_REGION": REGION,
            "AWS_PAGER": "",
        }

    def run(self, *commands: str) -> str:
        """What the commands print. The first that fails ends them, and the test."""
        script = "\n".join((STANDINS, *commands))
        done = subprocess.run(["bash", "-c", script], cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
