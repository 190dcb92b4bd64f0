"""The commands in docs/: that the AWS CLI would know them, and that what they ask of the stack is there.

The CLI makes its commands from botocore's models, which are what is asked here. Nothing is run; test_commands runs some of them.
"""

import re

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from deployment import REGION, ROOT, template

DOCS = sorted((ROOT / "docs").glob("*.md"))
SCRIPTS = sorted((ROOT / "scripts").glob("*.sh"))
OF_THE_CLI = {"output", "query", "cli-binary-format", "max-items"}
NOT_OF_THE_API = {
    ("logs", "tail"): {"since", "follow"},
    ("configure", "export-credentials"): {"format"},
    ("s3", "mb"): set(),
    ("s3", "cp"): set(),
    ("cloudformation", "package"): {"template-file", "s3-bucket", "output-template-file"},
    ("cloudformation", "deploy"): {"stack-name", "template-file", "s3-bucket", "capabilities", "tags", "parameter-overrides"},
}  # the CLI's own commands
RENAMED = {("sns", "subscribe"): {"notification-endpoint": "endpoint"}}  # by the CLI


def commands() -> list[tuple[str, str, str, set[str]]]:
    """Document, service, command and options of every AWS CLI command, in blocks and between backticks."""
    found = []
    for path in [*DOCS, *SCRIPTS]:
        text = path.read_text()
        if path.suffix == ".sh":
            text = f"```sh\n{text}```\n"
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
    if (own := NOT_OF_THE_API.get((service, command))) is not None:
        assert options <= own
        return
    renamed = RENAMED.get((service, command), {})
    options = {renamed.get(option, option) for option in options}
    known, needed = api(service, command)
    given = {option.removeprefix("no-") if option.removeprefix("no-") in needed else option for option in options}
    assert needed <= given
    assert options <= known | OF_THE_CLI


def test_the_runbook_sets_parameters_to_values_that_they_take():
    lines = re.findall(r"set_parameters ([^`#|\n]+)", "".join(path.read_text() for path in DOCS))
    settings = [setting for line in lines for setting in re.findall(r"\"?(\b[A-Z]\w+)=([^\s\"]*)", line) if setting != ("NAME", "VALUE…:")]
    assert len(settings) > 10
    parameters = template()["Parameters"]
    for name, value in settings:
        assert value.startswith("$") or value in parameters[name].get("AllowedValues", [value]), name


@pytest.mark.parametrize("path", [*DOCS, *sorted(ROOT.glob("*.md"))], ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    for page, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", path.read_text()):
        target = (path.parent / page) if page else path
        assert target.exists(), page
        headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE) if target.suffix == ".md" else []
        assert not anchor or anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings], anchor
