"""The commands in docs/ are run: a deployment with cargo-lambda, and what the runbook and the operations do to a stack."""

import json
import re
import time
import tomllib

import boto3
import pytest
from conftest import GROUP_ARN, MANY, ONE
from deployment import REGION, ROOT, refusals, source_arn, template
from samcli.commands.deploy.guided_config import GuidedConfig
from samcli.lib.config.samconfig import SamConfig
from samcli.yamlhelper import yaml_parse
from shell import Shell, blocks
from stack import Stack

DOCUMENT = "deploy-with-cargo-lambda.md"
SOURCE = f". {ROOT}/scripts/runbook.sh"
NAME = "ecs-ipv6-targets"
TOPIC = "arn:aws:sns:us-east-2:123456789012:on-call"


@pytest.fixture(scope="module")
def client(moto_port):
    return lambda service: boto3.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{moto_port}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shell")


@pytest.fixture(scope="module")
def shell(moto_port, folder) -> Shell:
    return Shell(moto_port, folder)


def standin(command: str, instead: str) -> str:
    """Does something else in place of one command of the AWS CLI."""
    return f"""aws() {{ case "$2" in {command}) {instead} ;; *) "$AWS_CLI" --endpoint-url "$AWS_ENDPOINT_URL" "$@" ;; esac; }}"""


def test_what_cargo_lambda_builds_is_deployed_by_the_same_template(shell, client, folder):
    (folder / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    deploy = """printf '%s\\n' "$@" >deployed; return 0"""
    begin = ("git() { echo 0123abc; }", standin("deploy", deploy), "ask() { :; }", ".() { :; }")
    shell.run(*begin, *blocks(DOCUMENT, "Build"), *blocks(DOCUMENT, "Package"), *blocks(DOCUMENT, "Deploy"))
    packaged = yaml_parse((folder / "target/packaged.yaml").read_text())
    expected = template()
    for function in ("Function", "Page"):
        _s3, _, bucket, key = packaged["Resources"][function]["Properties"].pop("CodeUri").split("/", 3)
        assert client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == b"zip"
        expected["Resources"][function]["Properties"].pop("CodeUri")
    assert packaged == expected
    arguments = (folder / "deployed").read_text().splitlines()
    assert {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "commit=0123abc"} <= set(arguments)
    parameters = dict(argument.split("=", 1) for argument in arguments[arguments.index("--parameter-overrides") + 1 :])
    assert parameters.keys() == {"ClusterName", "ServiceName", "TargetGroupArn"}
    assert not refusals(parameters)


@pytest.fixture
def stack(moto_port, front, request):
    # moto leaves a parameter as it was only if it had been named before.
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template()["Parameters"].items()}
    stack = Stack(moto_port, front, defaults | ONE | getattr(request, "param", {}))
    yield stack
    stack.close()


@pytest.fixture
def runbook(shell, stack):
    """Runs commands after scripts/runbook.sh. The variables are asked for only once, because that takes seconds."""
    variables = " ".join(re.findall(r"\b([A-Z_]+)=\$value", (ROOT / "scripts/runbook.sh").read_text()))
    known = shell.run(f"STACK={stack.name}", SOURCE, f"declare -f; declare -p STACK {variables}")
    return lambda *commands: shell.run(known, *commands)


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
    write, change = blocks("operations.md", "Change the bindings")
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
    save, anew, _compare, _execute = blocks("operations.md", "Put back what was changed by hand")
    bucket = f"{stack.name}-templates"
    client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    save = save.replace("ecs-ipv6-targets-123456789012-us-east-2", bucket)
    # moto's validation asks for the alarms, which moto cannot create.
    mapping_now = runbook(standin("validate-template", ":"), save, anew, SOURCE, 'echo "$MAPPING"').split()[-1]
    assert parameters(runbook) == before
    (made,) = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
    assert made["Tags"] == [{"Key": "commit", "Value": "0123abc"}]
    mapping = client("lambda").get_event_source_mapping(UUID=mapping_now)
    assert mapping["UUID"] != stack.mapping["UUID"] and mapping["State"] == "Enabled"


def test_the_runbook_moves_to_another_version_and_back(runbook, client, stack, tmp_path):
    look, choose, move = blocks("operations.md", "Move to another version")
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


@pytest.mark.parametrize(("stack", "rules"), [({}, []), ({"HoldMinutes": "15"}, ["DeploymentRule"])], indirect=["stack"])
def test_the_runbook_stops_the_function_and_lets_it_go_on(runbook, stack, client, rules):
    _orderly, _orderly_later, stop, go_on, *_at_once = blocks("runbook.md", "Stop it from writing now")
    mapping = lambda: client("lambda").get_event_source_mapping(UUID=stack.mapping["UUID"])["State"]  # noqa: E731
    # The rule that fills the queue goes on, so that nothing is lost meanwhile.
    disabled = lambda: [rule["Name"].split("-")[2] for rule in client("events").list_rules(NamePrefix=stack.name)["Rules"] if rule["State"] == "DISABLED"]  # noqa: E731
    runbook(go_on)
    assert (mapping(), disabled()) == ("Enabled", [])
    runbook(stop)
    assert (mapping(), sorted(disabled())) == ("Disabled", [*rules, "FunctionReconcile", "StopRule"])


def test_the_runbook_takes_targets_out(runbook, group):
    put_in = f"aws elbv2 register-targets --target-group-arn {group.arn} --targets Id=2001:db8:1234:1a00::1,Port=8080 Id=2001:db8:1234:1a00::2,Port=8081"
    runbook(put_in)
    assert len(group.targets()) == 2
    look, _take_one_out, take_all_out = blocks("operations.md", "Take targets out")
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
    settings, *steps = blocks("deploy-with-sam.md", "AWS resources")
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
