"""The commands in docs/: that the AWS CLI would know them, that what they ask of the stack is there, and that a deployment by hand is the template's.

The CLI makes its commands from botocore's models, which are what is asked here. Nothing is run; test_by_hand runs some of them.
"""

import json
import re

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from conftest import CLUSTER_ARN, GROUP_ARN, ONE
from deployment import REGION, ROOT, as_list, resources, template

DOCS = sorted((ROOT / "docs").glob("*.md"))
OF_THE_CLI = {"output", "query", "cli-binary-format", "max-items"}
NOT_OF_THE_API = {("logs", "tail"): {"since", "follow"}}  # the CLI's own commands
RENAMED = {("sns", "subscribe"): {"notification-endpoint": "endpoint"}}  # by the CLI


def commands() -> list[tuple[str, str, str, set[str]]]:
    """Document, service, command and options of every AWS CLI command, in blocks and between backticks."""
    found = []
    for path in DOCS:
        text = path.read_text()
        blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL) + re.findall(r"`(aws [^`\n]+)`", text)
        for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
            for command in re.split(r"(?:^|(?<=[\s(]))aws (?=[a-z0-9]+ [a-z])", line.partition(" # ")[0])[1:]:
                service, name, *rest = command.split()
                if name == "wait":
                    name = f"wait {rest[0]}"
                found.append((path.name, service, name, set(re.findall(r"(?<=\s)--([a-z][a-z0-9-]+)", command))))
    return found


def api(service: str, command: str) -> tuple[set[str], set[str]]:
    """The options that a command takes, and those that it must have."""
    try:
        client = boto3.client(service, region_name=REGION)
    except UnknownServiceError:
        raise AssertionError(f"no service {service}") from None
    if command.startswith("wait "):
        waiter = command.removeprefix("wait ").replace("-", "_")
        assert waiter in client.waiter_names, command
        command = xform_name(client.get_waiter(waiter).config.operation, "-")
    operations = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    assert command in operations, f"{service} has no command {command}"
    shape = client.meta.service_model.operation_model(operations[command]).input_shape
    option = lambda member: xform_name(member, "-")  # noqa: E731
    flags = {f"no-{option(name)}" for name, member in shape.members.items() if member.type_name == "boolean"}
    return {option(name) for name in shape.members} | flags, {option(name) for name in shape.required_members}


def test_there_are_commands():
    assert len(commands()) > 40


@pytest.mark.parametrize(("document", "service", "command", "options"), commands())
def test_the_aws_cli_would_take_every_command(document, service, command, options):
    if own := NOT_OF_THE_API.get((service, command)):
        assert options <= own
        return
    renamed = RENAMED.get((service, command), {})
    options = {renamed.get(option, option) for option in options}
    known, needed = api(service, command)
    assert needed <= options <= known | OF_THE_CLI


def test_the_runbook_sets_parameters_to_values_that_they_take():
    lines = re.findall(r"set_parameters ([^`#|\n]+)", "".join(path.read_text() for path in DOCS))
    settings = [setting for line in lines for setting in re.findall(r"\"?(\b[A-Z]\w+)=([^\s\"]*)", line) if setting != ("NAME", "VALUE…:")]
    assert len(settings) > 10
    parameters = template()["Parameters"]
    for name, value in settings:
        assert value.startswith("$") or value in parameters[name].get("AllowedValues", [value]), name


@pytest.mark.parametrize("path", [*DOCS, ROOT / "README.md"], ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    for page, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", path.read_text()):
        target = (path.parent / page) if page else path
        assert target.exists(), page
        headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE) if target.suffix == ".md" else []
        assert not anchor or anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings], anchor


def by_hand() -> dict[str, dict]:
    """The JSON that docs/deploy-with-cargo-lambda.md gives to AWS, for the binding of the tests."""
    variables = {
        "PARTITION": "aws",
        "REGION": REGION,
        "ACCOUNT": "123456789012",
        "CLUSTER": "demo-cluster",
        "CLUSTER_ARN": CLUSTER_ARN,
        "SERVICE": "demo-service",
        "GROUP_ARN": GROUP_ARN,
        "QUEUE_ARN": "Queue.Arn",
        "RULE_ARN": "Rule.Arn",
        "LOGS_ARN": "LogGroup.Arn",
        "1": "Queue.Arn",
    }
    text = (ROOT / "docs" / "deploy-with-cargo-lambda.md").read_text()
    documents = [document for document in re.findall(r"<<EOF[^\n]*\n(\{.*?)\nEOF", text, re.DOTALL) if "SqsManagedSseEnabled" not in document]
    filled = [re.sub(r"\$(\w+)", lambda found: variables[found[1]], document) for document in documents]
    return dict(zip(("queue policy", "role policy", "pattern"), map(json.loads, filled), strict=True))


def test_by_hand_the_queues_take_the_same():
    assert by_hand()["queue policy"] == resources(ONE, "AWS::SQS::QueuePolicy")["QueuePolicy"]["PolicyDocument"]


def test_by_hand_the_role_may_do_the_same():
    (policy,) = resources(ONE, "AWS::IAM::Role")["Role"]["Policies"]
    plain = lambda document: {  # noqa: E731
        s["Sid"]: (as_list(s["Action"]), [arn.removesuffix(":*") for arn in as_list(s["Resource"])], str(s.get("Condition")).replace("['", "'").replace("']", "'"))
        for s in document["Statement"]
    }
    assert plain(by_hand()["role policy"]) == plain(policy["PolicyDocument"])


def test_by_hand_the_rule_lets_through_the_same():
    assert by_hand()["pattern"] == resources(ONE, "AWS::Events::Rule")["Rule"]["EventPattern"]


def test_by_hand_the_settings_are_the_same():
    text = (ROOT / "docs" / "deploy-with-cargo-lambda.md").read_text()
    resources_ = template()["Resources"]
    function, queue = resources_["Function"]["Properties"], resources_["Queue"]["Properties"]
    source = function["Events"]["TaskStateChanges"]["Properties"]
    for setting in (
        f"--memory {function['MemorySize']} --timeout {function['Timeout']}",
        f"--batch-size {source['BatchSize']}",
        f"--maximum-batching-window-in-seconds {source['MaximumBatchingWindowInSeconds']}",
        f"--scaling-config MaximumConcurrency={source['ScalingConfig']['MaximumConcurrency']}",
        f"--maximum-retry-attempts {function['EventInvokeConfig']['MaximumRetryAttempts']}",
        f"--maximum-event-age-in-seconds {function['EventInvokeConfig']['MaximumEventAgeInSeconds']}",
        f'"VisibilityTimeout": "{queue["VisibilityTimeout"]}"',
        f'"MessageRetentionPeriod": "{queue["MessageRetentionPeriod"]}"',
        f'"MessageRetentionPeriod": "{resources_["DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"]}"',
        f'\\"maxReceiveCount\\": {queue["RedrivePolicy"]["maxReceiveCount"]}',
        template()["Mappings"]["Every"]["1"]["Schedule"],
    ):
        assert setting in text, setting
