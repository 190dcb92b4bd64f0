"""The samples in events/, as of now."""

import json
from datetime import datetime, timezone

from deployment import ROOT

ADDRESS = "2001:db8:1234:1a00:9691:9503:25ad:1761"
SECOND_ADDRESS = "2001:db8:1234:1a00:47f2:8be1:6c0d:93aa"


def now(event: dict) -> dict:
    """The event as if it happened this moment: the function believes a RUNNING only while it is fresh."""
    time_now = datetime.now(timezone.utc)
    event["time"] = time_now.strftime("%Y-%m-%dT%H:%M:%SZ")
    event["detail"]["updatedAt"] = time_now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def sample(name: str) -> dict:
    event = json.loads((ROOT / "events" / name).read_text())
    for record in event.get("Records", []):
        message = json.loads(record["body"])
        if "detail" in message:
            record["body"] = json.dumps(now(message))
    if "copy" in event:
        event["event"] = now(event["event"])
    return now(event) if "taskArn" in event.get("detail", {}) else event
