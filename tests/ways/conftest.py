"""The three ways to deploy, with the same wishes: template.yaml, the CDK construct, the Terraform module."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from wishes import WISHES

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/moto"))
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-2")  # which SAM's translator asks for


@pytest.fixture(scope="session", params=WISHES)
def wish(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def synthesised() -> dict[str, dict]:
    """What the CDK makes of each wish. Starting it takes most of the time, so all are made at once."""
    asked = json.dumps({name: wish.for_cdk() for name, wish in WISHES.items()})
    done = subprocess.run(["node", "test/synth.js"], cwd=ROOT / "deploy/cdk", input=asked, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stderr}\n`npm ci && npm run build` in deploy/cdk comes first"
    return json.loads(done.stdout)
