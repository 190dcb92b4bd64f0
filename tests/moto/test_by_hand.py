"""The commands in docs/ are run: a deployment with cargo-lambda from its first queue to its removal, and what the runbook does to a stack."""

import json
import re
import time
import tomllib

import boto3
import pytest
from conftest import GROUP_ARN, MANY, ONE
from deployment import REGION, ROOT, resources, source_arn, template
from samcli.commands.deploy.guided_config import GuidedConfig
from samcli.lib.config.samconfig import SamConfig
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
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shell")


@pytest.fixture(scope="module")
def shell(moto_port, folder) -> Shell:
    return Shell(moto_port, folder)


@pytest.fixture(scope="module")
def by_hand(shell, client, folder):
    """All of "Deploy it" has been done by hand, and is removed by hand in the end. Runs commands in a later terminal."""
    (folder / "settings.sh").write_text("\n".join(blocks(DOCUMENT, "Settings")).replace("TOPIC_ARN=", f"TOPIC_ARN={TOPIC}"))
    begin = ("git() { echo 0123abc; }", ". ./settings.sh")
    shell.run(*begin, *blocks(DOCUMENT, "Deploy it"))
    later = lambda *commands: shell.run(*begin, *blocks(DOCUMENT, "Operate it"), functions(), *commands)  # noqa: E731
    yield later
    later(*blocks(DOCUMENT, "Remove it"))
    assert NAME not in json.dumps([left(client) for left in LEFT])


def standin(command: str, instead: str) -> str:
    """Does something else in place of one command of the AWS CLI."""
    return f"""aws() {{ case "$2" in {command}) {instead} ;; *) "$AWS_CLI" --endpoint-url "$AWS_ENDPOINT_URL" "$@" ;; esac; }}"""


def functions() -> str:
    """The runbook's third block."""
    return blocks("runbook.md")[2]


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


def test_by_hand_stops_reach_the_function_as_the_template_has_it(by_hand, client):
    rule = client("events").describe_rule(Name=f"{NAME}-stops")
    expected = resources(ONE, "AWS::Events::Rule")["StopRule"]
    assert json.loads(rule["EventPattern"]) == expected["EventPattern"]
    targets = client("events").list_targets_by_rule(Rule=f"{NAME}-stops")["Targets"]
    function = client("lambda").get_function_configuration(FunctionName=NAME)["FunctionArn"]
    assert targets == [target | {"Arn": function} for target in expected["Targets"]]
    permissions = json.loads(client("lambda").get_policy(FunctionName=NAME)["Policy"])["Statement"]
    (stops,) = [permission for permission in permissions if permission["Sid"] == "stops"]
    assert source_arn(stops) == rule["Arn"]


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


def test_by_hand_the_commit_is_noted(by_hand, client):
    arn = client("lambda").get_function_configuration(FunctionName=NAME)["FunctionArn"]
    assert client("lambda").list_tags(Resource=arn)["Tags"] == {"commit": "0123abc"}
    look, _switch = blocks(DOCUMENT, "Move to another version")
    assert by_hand(look, 'echo "deployed: $DEPLOYED"').splitlines()[-1] == "deployed: 0123abc"


def test_by_hand_a_later_terminal_has_the_runbooks_variables(by_hand, client):
    (mapping,) = client("lambda").list_event_source_mappings(FunctionName=NAME)["EventSourceMappings"]
    assert by_hand('echo "$MAPPING"').split() == [mapping["UUID"]]
    assert by_hand('printf "%s\\n" "$QUEUE_URL" "$DEAD_LETTERS_URL"').split() == [queue_url(client, NAME), queue_url(client, f"{NAME}-dead-letters")]


def queue_url(client, name: str) -> str:
    return client("sqs").get_queue_url(QueueName=name)["QueueUrl"]


def test_by_hand_what_was_changed_comes_back(by_hand, client):
    policy = lambda name: attributes(client, name)["Policy"]  # noqa: E731
    before = attributes(client, NAME), attributes(client, f"{NAME}-dead-letters"), role_policy(client)
    assert json.loads(policy(NAME))["Statement"][0]["Resource"].endswith(f":{NAME}")
    by_hand(
        """aws sqs set-queue-attributes --queue-url "$QUEUE_URL" --attributes '{"Policy":"","VisibilityTimeout":"30"}'""",
        """aws sqs set-queue-attributes --queue-url "$DEAD_LETTERS_URL" --attributes Policy=""",
        'aws iam delete-role-policy --role-name "$NAME" --policy-name function',
        'aws events remove-targets --rule "$NAME" --ids queue',
        'aws events disable-rule --name "$NAME"',
        'aws events remove-targets --rule "$NAME-stops" --ids function',
        'aws events disable-rule --name "$NAME-stops"',
        'aws lambda update-event-source-mapping --uuid "$MAPPING" --no-enabled --batch-size 10',
    )
    assert attributes(client, NAME) != before[0]
    (block,) = blocks(DOCUMENT, "Put back what was changed by hand")
    by_hand(block)
    assert (attributes(client, NAME), attributes(client, f"{NAME}-dead-letters"), role_policy(client)) == before
    (mapping,) = client("lambda").list_event_source_mappings(FunctionName=NAME)["EventSourceMappings"]
    assert (mapping["State"], mapping["BatchSize"]) == ("Enabled", template()["Resources"]["Function"]["Properties"]["Events"]["TaskStateChanges"]["Properties"]["BatchSize"])
    for rule in (NAME, f"{NAME}-stops"):
        assert client("events").describe_rule(Name=rule)["State"] == "ENABLED"
        assert len(client("events").list_targets_by_rule(Rule=rule)["Targets"]) == 1


def attributes(client, name: str) -> dict:
    found = client("sqs").get_queue_attributes(QueueUrl=queue_url(client, name), AttributeNames=["All"])["Attributes"]
    return {key: value for key, value in found.items() if "Timestamp" not in key}


def role_policy(client) -> dict[str, dict]:
    document = client("iam").get_role_policy(RoleName=NAME, PolicyName="function")["PolicyDocument"]
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_by_hand_one_service_becomes_two_and_one_again(by_hand, client, folder):
    kept = {name: (folder / name).read_text() for name in ("variables.env", "policy.json", "pattern.json")}
    web = GROUP_ARN.replace("demo-ipv6", "web-ipv6")
    policy, pattern = json.loads(kept["policy.json"]), json.loads(kept["pattern.json"])
    by_sid = {statement["Sid"]: statement for statement in policy["Statement"]}
    for sid, more in (("WriteTargets", web), ("ExamineServices", "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/web")):
        by_sid[sid]["Resource"] = [by_sid[sid]["Resource"], more]
    pattern["detail"]["group"].append("service:web")
    binding = {"cluster": "demo-cluster", "service": "web", "targetGroupArn": web}
    (folder / "policy.json").write_text(json.dumps(policy))
    (folder / "pattern.json").write_text(json.dumps(pattern))
    (folder / "variables.env").write_text(kept["variables.env"].replace("]'", f",{json.dumps(binding)}]'"))
    more, fewer, _another_group = blocks(DOCUMENT, "More services or target groups")
    by_hand(more)
    assert bound_groups(client) == [GROUP_ARN, web]
    assert role_policy(client)["WriteTargets"]["Resource"] == [GROUP_ARN, web]
    assert groups_heard_of(client) == ["service:demo-service", "service:web"]
    for name, text in kept.items():
        (folder / name).write_text(text)
    by_hand(fewer)
    assert bound_groups(client) == [GROUP_ARN]
    assert role_policy(client)["WriteTargets"]["Resource"] == GROUP_ARN
    assert groups_heard_of(client) == ["service:demo-service"]


def test_by_hand_another_target_group_takes_the_first_ones_place(by_hand, client):
    _more, _fewer, another = blocks(DOCUMENT, "More services or target groups")
    other = GROUP_ARN.replace("demo-ipv6", "demo-ipv6-b")
    by_hand(f"GROUP={other}", another)
    assert bound_groups(client) == [other]
    assert role_policy(client)["WriteTargets"]["Resource"] == other
    assert by_hand('echo "$GROUP_ARN"').strip() == other
    by_hand(f"GROUP={GROUP_ARN}", another)
    assert bound_groups(client) == [GROUP_ARN]


def bound_groups(client) -> list[str]:
    variables = client("lambda").get_function_configuration(FunctionName=NAME)["Environment"]["Variables"]
    return [binding["targetGroupArn"] for binding in json.loads(variables["BINDINGS"])]


def groups_heard_of(client) -> list[str]:
    queued, copied = (json.loads(client("events").describe_rule(Name=name)["EventPattern"])["detail"]["group"] for name in (NAME, f"{NAME}-stops"))
    assert queued == copied
    return queued


@pytest.fixture
def stack(moto_port, front):
    # moto leaves a parameter as it was only if it had been named before.
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template()["Parameters"].items()}
    stack = Stack(moto_port, front, defaults | ONE)
    yield stack
    stack.close()


@pytest.fixture
def runbook(shell, stack):
    """Runs commands after the runbook's first three blocks. The variables are asked for only once, because that takes seconds."""
    settings, variables, _functions, *_ = blocks("runbook.md")
    settings = f"STACK={stack.name}\n{settings}"
    known = shell.run(settings, variables, "declare -f output resource; declare -p " + " ".join(re.findall(r"\b([A-Z_]+)=\$", variables)))
    return lambda *commands: shell.run(settings, known, functions(), *commands)


def test_the_runbook_finds_what_the_stack_has(runbook, stack):
    function, mapping, queue = runbook('echo "$FUNCTION $MAPPING $QUEUE"').split()
    assert (function, mapping, queue) == (stack.function["FunctionName"], stack.mapping["UUID"], stack.mapping["EventSourceArn"])
    others = runbook('printf "%s\\n" "$LOGS" "$RULE" "$STOPS" "$SCHEDULE" "$QUEUE_URL" "$DEAD_LETTERS" "$DEAD_LETTERS_URL"').split()
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


def test_the_runbook_tells_one_parameter(runbook):
    assert runbook("parameter ServiceName") == "demo-service\n"


def test_the_runbook_sets_parameters_though_another_has_several_lines(runbook):
    in_lines = MANY["Bindings"].replace(",", ",\n\nClusterName\n")
    single = dict.fromkeys(ONE, "")
    runbook("set_parameters " + " ".join(f"'{name}={value}'" for name, value in (MANY | single | {"Bindings": in_lines}).items()))
    runbook("set_parameters DryRun=true")
    assert runbook("parameter Bindings").strip() == in_lines
    assert runbook("parameter DryRun; parameter ClusterName").split() == ["true"]


def test_the_runbook_sets_nothing_if_the_parameters_cannot_be_read(runbook):
    before = parameters(runbook)
    runbook(standin("describe-stacks", "return 1"), "! set_parameters DryRun=true")
    assert parameters(runbook) == before


def test_the_runbook_changes_the_bindings(runbook):
    single = dict.fromkeys(ONE, "")
    runbook("set_parameters " + " ".join(f"'{name}={value}'" for name, value in (MANY | single).items()))
    write, change = blocks("runbook.md", "Change the bindings")
    more = GROUP_ARN.replace("demo-ipv6", "more-ipv6")
    added = ',\n {"cluster":"demo-cluster","service":"more","targetGroupArn":"%s","port":53}]' % more
    runbook("EDITOR=true", write, f"""added='{added}'; bindings=$(cat bindings.json); printf '%s\\n' "${{bindings%]}}$added" >bindings.json""", change)
    now = parameters(runbook)
    assert [binding["targetGroupArn"] for binding in json.loads(now["Bindings"])] == [GROUP_ARN, more]
    assert now["TargetGroupArns"] == f"{GROUP_ARN},{more}"
    assert now["ClusterArns"] == MANY["ClusterArns"]


def test_the_runbook_shows_what_a_search_finds(runbook, stack, client):
    group = runbook('echo "$LOGS"').strip()
    client("logs").create_log_stream(logGroupName=group, logStreamName="one")
    now = int(time.time() * 1000) - 60000
    lines = [{"timestamp": now, "message": "first line"}, {"timestamp": now + 1, "message": "second line"}]
    client("logs").put_log_events(logGroupName=group, logStreamName="one", logEvents=lines)
    assert runbook("search 'fields @timestamp, @message | sort @timestamp asc | limit 20'").splitlines() == [
        "query: Complete",
        f"@timestamp={now}  @message=first line",
        f"@timestamp={now + 1}  @message=second line",
    ]


def test_the_runbook_waits_for_a_search(runbook):
    answers = """
aws() {
  case "$*" in
    *start-query*) echo id ;;
    *"--query status"*) echo >>asked; case $(wc -l <asked) in *1) echo Scheduled ;; *2) echo Running ;; *) echo Failed ;; esac ;;
    *) wc -l <asked ;;
  esac
}"""
    assert runbook("rm -f asked", answers, "search anything").split() == ["query:", "Failed", "3"]
    assert runbook("rm -f asked", answers.replace("echo id", "return 1"), "! search anything; ls asked || true") == ""


def test_the_runbook_gives_the_schedule_its_permission_back(runbook, stack, client):
    *_, permission = blocks("runbook.md", "No reconcile")
    runbook(permission)
    policy = client("lambda").get_policy(FunctionName=stack.function["FunctionName"])["Policy"]
    (schedule,) = [rule for rule in client("events").list_rules(NamePrefix=stack.name)["Rules"] if "ScheduleExpression" in rule]
    (again,) = [statement for statement in json.loads(policy)["Statement"] if statement["Sid"] == "reconcile-again"]
    assert again["Condition"]["ArnLike"]["AWS:SourceArn"] == schedule["Arn"]


def test_the_runbook_gives_the_rule_for_stops_its_permission_back(runbook, stack, client):
    _look, permission = blocks("runbook.md", "Slow stops")
    runbook(permission)
    policy = client("lambda").get_policy(FunctionName=stack.function["FunctionName"])["Policy"]
    (again,) = [statement for statement in json.loads(policy)["Statement"] if statement["Sid"] == "stops-again"]
    assert "StopRule" in source_arn(again)


def test_the_runbook_puts_back_what_was_changed_by_hand(runbook, stack, client):
    cloudformation = client("cloudformation")
    # What SAM packages is YAML, which the CLI hands on as it is; what the tests create is JSON.
    template_body = "# YAML\n" + json.dumps(cloudformation.get_template(StackName=stack.name)["TemplateBody"])
    given = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]["Parameters"]
    cloudformation.update_stack(StackName=stack.name, TemplateBody=template_body, Parameters=given, Tags=[{"Key": "commit", "Value": "0123abc"}])
    before = parameters(runbook)
    client("lambda").delete_event_source_mapping(UUID=stack.mapping["UUID"])
    save, anew, _compare, _execute = blocks("runbook.md", "Put back what was changed by hand")
    # moto's validation asks for the alarms, which moto cannot create.
    _settings, variables, *_ = blocks("runbook.md")
    mapping_now = runbook(standin("validate-template", ":"), save, anew, variables, 'echo "$MAPPING"').split()[-1]
    assert parameters(runbook) == before
    (made,) = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
    assert made["Tags"] == [{"Key": "commit", "Value": "0123abc"}]
    mapping = client("lambda").get_event_source_mapping(UUID=mapping_now)
    assert mapping["UUID"] != stack.mapping["UUID"] and mapping["State"] == "Enabled"


def test_the_runbook_moves_to_another_version_and_back(runbook, client, stack, tmp_path):
    look, choose, move = blocks("runbook.md", "Move to another version")
    git = "git -c user.name=A -c user.email=a@example"
    runbook(
        f"cd {tmp_path}; git init -q -b main upstream; cd upstream; touch CHANGELOG.md template.yaml; git add .",
        f"{git} commit -q -m one; {git} commit -q --allow-empty -m two; git clone -q . ../clone; {git} commit -q --allow-empty -m three",
    )
    commits = runbook(f"cd {tmp_path}/upstream; git log --format=%H").split()
    begin = (f"cd {tmp_path}/clone", f"""sam() {{ echo "$(git rev-parse HEAD) $*" >>{tmp_path}/sam; }}""")
    assert "no tag" in runbook(*begin, look)
    runbook(*begin, look, choose, move)
    given = client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]["Parameters"]
    tags = [{"Key": "commit", "Value": commits[1]}]
    client("cloudformation").update_stack(StackName=stack.name, UsePreviousTemplate=True, Parameters=given, Tags=tags)
    assert "no tag" not in runbook(*begin, look, choose.replace("=origin/main", "=$DEPLOYED~1"), move)
    calls = [line.split(maxsplit=1) for line in (tmp_path / "sam").read_text().splitlines()]
    assert [(commit, call.split()[0]) for commit, call in calls] == [(commit, name) for commit in (commits[0], commits[2]) for name in ("build", "deploy")]
    assert all("Architecture=x86_64" in call for _, call in calls[::2])  # which moto takes every function for
    assert all(f"--stack-name {stack.name} " in call and f"commit={commit}" in call for commit, call in calls[1::2])
    assert len(runbook(*begin, "git worktree list").splitlines()) == 1


def test_the_runbook_stops_the_function_and_lets_it_go_on(runbook, stack, client):
    _orderly, _orderly_later, stop, go_on, *_at_once = blocks("runbook.md", "Stop it from writing now")
    mapping = lambda: client("lambda").get_event_source_mapping(UUID=stack.mapping["UUID"])["State"]  # noqa: E731
    # The rule that fills the queue goes on, so that nothing is lost meanwhile.
    disabled = lambda: [rule["Name"].split("-")[2] for rule in client("events").list_rules(NamePrefix=stack.name)["Rules"] if rule["State"] == "DISABLED"]  # noqa: E731
    runbook(go_on)
    assert (mapping(), disabled()) == ("Enabled", [])
    runbook(stop)
    assert (mapping(), sorted(disabled())) == ("Disabled", ["FunctionReconcile", "StopRule"])


def test_the_runbook_takes_targets_out(runbook, group):
    put_in = f"aws elbv2 register-targets --target-group-arn {group.arn} --targets Id=2001:db8:1234:1a00::1,Port=8080 Id=2001:db8:1234:1a00::2,Port=8081"
    runbook(put_in)
    assert len(group.targets()) == 2
    look, _take_one_out, take_all_out = blocks("runbook.md", "Take targets out")
    look = look.replace(GROUP_ARN, group.arn)
    assert sorted(runbook(look).split()) == ["Id=2001:db8:1234:1a00::1,Port=8080", "Id=2001:db8:1234:1a00::2,Port=8081"]
    runbook(look, take_all_out)
    assert group.targets() == set()


def test_sam_forgets_the_parameters_that_it_saved(shell, tmp_path):
    before = (ROOT / "samconfig.toml").read_text()
    (tmp_path / "samconfig.toml").write_text(before)
    saved = SamConfig(tmp_path)
    GuidedConfig(template_file=None, section="parameters")._save_parameter_overrides(["deploy"], "default", MANY | ONE, saved)
    saved.flush()
    assert "parameter_overrides" in (tmp_path / "samconfig.toml").read_text()
    (forget,) = (block for block in blocks("deploy-with-sam.md", "One service") if "samconfig.toml" in block)
    shell.run(f"cd {tmp_path}", forget)
    assert tomllib.loads((tmp_path / "samconfig.toml").read_text()) == tomllib.loads(before)


def test_the_load_balancer_comes_to_be_as_documented(shell, client):
    ec2, elb = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"] for i, zone in enumerate("ab")]
    security_group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    yours = {
        "vpc-0123456789abcdef0": vpc,
        "subnet-0aaaaaaaaaaaaaaaa": subnets[0],
        "subnet-0bbbbbbbbbbbbbbbb": subnets[1],
        "sg-0123456789abcdef0": security_group,
        "rtb-0123456789abcdef0": table["RouteTableId"],
        "igw-0123456789abcdef0": gateway,
    }
    settings, *steps = blocks("deploy-with-sam.md", "What it needs of AWS")
    client("ecs").create_cluster(clusterName="demo-cluster")
    client("ecs").register_task_definition(family="demo", containerDefinitions=[{"name": "demo", "image": "demo", "memory": 64}])
    client("ecs").create_service(cluster="demo-cluster", serviceName="demo-service", taskDefinition="demo", desiredCount=0)
    commands = "\n".join([settings, *steps])
    for example, own in yours.items():
        commands = commands.replace(example, own)
    shell.run(standin("put-account-setting-default", ":"), commands)  # moto knows no dualStackIPv6
    (balancer,) = elb.describe_load_balancers(Names=["demo-nlb"])["LoadBalancers"]
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == set(subnets)
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    forwards = {(listener["Protocol"], listener["Port"]): listener["DefaultActions"][0]["TargetGroupArn"].split("/")[1] for listener in listeners}
    assert forwards == {("TCP", 443): "demo-ipv6", ("UDP", 53): "dns-ipv6"}
