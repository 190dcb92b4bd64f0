"""The commands in docs/ are run: a deployment with cargo-lambda from its first queue to its removal, and what the runbook does to a stack."""

import json

import boto3
import pytest
from conftest import GROUP_ARN, MANY, ONE
from deployment import REGION, resources, template
from shell import Shell, blocks
from stack import Stack

DOCUMENT = "deploy-with-cargo-lambda.md"
NAME = "ecs-ipv6-targets"
TOPIC = "arn:aws:sns:us-east-2:123456789012:on-call"
# The stack's names for what has a name of its own when it is deployed by hand.
NAMES = {"stack": NAME, "Function": NAME, "Queue.QueueName": NAME, "DeadLetterQueue.QueueName": f"{NAME}-dead-letters"}


@pytest.fixture(scope="module")
def client(moto_port):
    return lambda service: boto3.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{moto_port}")


@pytest.fixture(scope="module")
def shell(moto_port, tmp_path_factory) -> Shell:
    return Shell(moto_port, tmp_path_factory.mktemp("shell"))


@pytest.fixture(scope="module")
def by_hand(shell, client):
    """Everything up to the alarms has been done by hand, and is removed by hand in the end."""
    settings, *steps = (block for block in blocks(DOCUMENT) if block not in blocks(DOCUMENT, "Operate it") + blocks(DOCUMENT, "Remove it"))
    settings = settings.replace("TOPIC_ARN=", f"TOPIC_ARN={TOPIC}")
    shell.run(settings, *steps)
    yield
    variables, _rollback = blocks(DOCUMENT, "Operate it")
    shell.run(settings, variables, *blocks(DOCUMENT, "Remove it"))
    assert NAME not in json.dumps([left(client) for left in LEFT])


LEFT = [
    lambda client: client("lambda").list_functions()["Functions"],
    lambda client: client("lambda").list_event_source_mappings()["EventSourceMappings"],
    lambda client: client("sqs").list_queues(QueueNamePrefix=NAME).get("QueueUrls", []),
    lambda client: client("events").list_rules(NamePrefix=NAME)["Rules"],
    lambda client: [alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]],
    lambda client: [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]],
    lambda client: [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
]


def test_by_hand_the_function_gets_its_bindings(by_hand, client):
    function = client("lambda").get_function_configuration(FunctionName=NAME)
    variables = function["Environment"]["Variables"]
    assert json.loads(variables["BINDINGS"]) == [
        {"cluster": "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster", "service": "demo-service", "targetGroupArn": GROUP_ARN}
    ]
    assert (variables["PRUNE"], variables["DRY_RUN"]) == ("proven", "false")
    assert (function["MemorySize"], function["Timeout"], function["Runtime"]) == (128, 30, "provided.al2023")


def test_by_hand_events_and_reconciles_reach_the_function(by_hand, client):
    (mapping,) = client("lambda").list_event_source_mappings(FunctionName=NAME)["EventSourceMappings"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    (queue,) = client("events").list_targets_by_rule(Rule=NAME)["Targets"]
    assert queue["Arn"] == mapping["EventSourceArn"]
    (function,) = client("events").list_targets_by_rule(Rule=f"{NAME}-reconcile")["Targets"]
    assert function["Arn"] == client("lambda").get_function_configuration(FunctionName=NAME)["FunctionArn"]


def test_by_hand_the_alarms_are_the_templates(by_hand, client):
    made = client("cloudwatch").describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]
    expected = resources(ONE | {"AlarmTopicArn": TOPIC}, "AWS::CloudWatch::Alarm").values()
    assert {alarm["AlarmName"]: watched(alarm) for alarm in made} == {alarm["AlarmName"].replace("stack", NAME, 1): watched(alarm) for alarm in expected}


def watched(alarm: dict) -> dict:
    keys = ("Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "ComparisonOperator", "TreatMissingData", "AlarmActions", "OKActions")
    (dimension,) = alarm["Dimensions"]
    entry = alarm["AlarmDescription"].rpartition("docs/")[2]
    of = NAMES.get(dimension["Value"], dimension["Value"])
    return {key: alarm[key] for key in keys} | {"of": (dimension["Name"], of), "threshold": float(alarm["Threshold"]), "entry": entry}


@pytest.fixture
def stack(moto_port, front):
    # moto leaves a parameter as it was only if it had been named before.
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template()["Parameters"].items()}
    stack = Stack(moto_port, front, defaults | ONE)
    yield stack
    stack.close()


@pytest.fixture
def runbook(shell, stack):
    """Runs commands after the runbook's first block."""
    first = blocks("runbook.md")[0].replace("STACK=ecs-ipv6-targets", f"STACK={stack.name}").replace("AWS_PROFILE=default", "NO_PROFILE=")
    return lambda *commands: shell.run(first, *commands)


def test_the_runbook_finds_what_the_stack_has(runbook, stack):
    function, mapping, queue = runbook('echo "$FUNCTION $MAPPING $QUEUE"').split()
    assert (function, mapping, queue) == (stack.function["FunctionName"], stack.mapping["UUID"], stack.mapping["EventSourceArn"])
    others = runbook('printf "%s\\n" "$LOGS" "$RULE" "$SCHEDULE" "$QUEUE_URL" "$DEAD_LETTERS" "$DEAD_LETTERS_URL"').split()
    assert [name for name in others if stack.name not in name] == []


def test_the_runbook_sets_parameters_and_leaves_the_others(runbook):
    before = parameters(runbook)
    runbook("set_parameters DryRun=true")
    assert parameters(runbook) == before | {"DryRun": "true"}


def test_the_runbook_can_go_from_one_binding_to_several(runbook):
    before = parameters(runbook)
    single = dict.fromkeys(ONE, "")
    runbook("set_parameters " + " ".join(f"'{name}={value}'" for name, value in (MANY | single).items()))
    assert parameters(runbook) == before | MANY | single


def parameters(runbook) -> dict[str, str]:
    return dict(line.split("\t") for line in runbook("parameters").splitlines())


def test_the_runbook_stops_the_function_and_lets_it_go_on(runbook, stack, client):
    _orderly, faster, _at_once = blocks("runbook.md", "Stop it from writing now")
    *stop, go_on = faster.splitlines()
    state = lambda: client("lambda").get_event_source_mapping(UUID=stack.mapping["UUID"])["State"]  # noqa: E731
    runbook(go_on)
    assert state() == "Enabled"
    runbook(*stop)
    assert state() == "Disabled"


def test_the_runbook_takes_targets_out(runbook, group):
    put_in = f"aws elbv2 register-targets --target-group-arn {group.arn} --targets Id=2001:db8:1234:1a00::1,Port=8080 Id=2001:db8:1234:1a00::2,Port=8081"
    runbook(put_in)
    assert len(group.targets()) == 2
    (block,) = blocks("runbook.md", "Take targets out")
    *_, take_all_out = block.replace(GROUP_ARN, group.arn).splitlines()
    runbook(f"GROUP={group.arn}", take_all_out)
    assert group.targets() == set()
