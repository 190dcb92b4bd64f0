"""What template.yaml deploys: which events reach the function, what it may do, how the queue serves it.

The pattern is matched by moto's matcher, not by one of ours. moto knows no queue policies in CloudFormation, nor the managed policies of a role:
those are read from the template itself. What watches the function is in test_watching.py.
"""

import copy
import json
import re

import pytest
from conftest import CLUSTER_ARN, ELSEWHERE, GROUP_ARN, IN_VPC, MANY, ONE, ROLE_ARN, TAGS
from deployment import ROOT, as_list, deploy, refusals, resources, template
from moto.events.models import EventPattern

# sample: (passes with one binding, passes with many)
TASK_SAMPLES = {
    "task-provisioning.json": (False, False),
    "task-pending.json": (False, False),
    "task-running.json": (True, True),
    "task-running-second.json": (True, True),
    "task-without-ipv6.json": (True, True),
    "task-bridge.json": (True, True),
    "task-crashed.json": (True, True),
    "task-deactivating.json": (True, True),
    "task-stopped.json": (True, True),
    "task-other-service.json": (False, True),
}


# The first event of a stop, asked for or not, goes straight to the function as well.
COPIED = {"task-deactivating.json", "task-crashed.json"}


def sample(name: str) -> dict:
    return json.loads((ROOT / "events" / name).read_text())


def passes(deployment, event: dict) -> bool:
    return EventPattern.load(deployment.pattern).matches_event(event)


def copied(deployment, event: dict) -> bool:
    return EventPattern.load(deployment.stop_pattern).matches_event(event)


def changed(event: dict, **detail) -> dict:
    event = copy.deepcopy(event)
    event["detail"].update(detail)
    return event


def test_every_task_sample_is_classified_here():
    assert {path.name for path in (ROOT / "events").glob("task-*.json")} == set(TASK_SAMPLES)


@pytest.mark.parametrize("name", TASK_SAMPLES)
def test_the_pattern_lets_through_exactly_the_tasks_that_matter(one, many, name):
    assert (passes(one, sample(name)), passes(many, sample(name))) == TASK_SAMPLES[name]


@pytest.mark.parametrize("name", TASK_SAMPLES)
def test_only_the_first_event_of_a_stop_is_copied(one, many, name):
    assert (copied(one, sample(name)), copied(many, sample(name))) == (name in COPIED, name in COPIED)


def test_no_other_sample_is_an_event_that_the_rule_would_pass(one, many):
    others = [path for path in (ROOT / "events").glob("*.json") if path.name not in TASK_SAMPLES]
    assert [path.name for path in others if passes(one, sample(path.name)) or passes(many, sample(path.name))] == []
    assert [path.name for path in others if copied(one, sample(path.name)) or copied(many, sample(path.name))] == []


def test_every_message_of_the_sqs_sample_came_through_the_rule(one, many):
    bodies = [json.loads(record["body"]) for record in sample("sqs-batch.json")["Records"]]
    assert bodies and all(passes(one, body) and passes(many, body) for body in bodies)


RUNNING = sample("task-running.json")


@pytest.mark.parametrize("last_status", ["RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"])
def test_a_leaving_task_passes_whatever_its_last_status(one, many, last_status):
    leaving = changed(RUNNING, lastStatus=last_status, desiredStatus="STOPPED")
    assert passes(one, leaving) and passes(many, leaving)


STOP_CODES = ["ServiceSchedulerInitiated", "UserInitiated", "EssentialContainerExited", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"]


def stop(last_status: str, stop_code: str | None) -> dict:
    event = changed(sample("task-deactivating.json"), lastStatus=last_status, stopCode=stop_code)
    if stop_code is None:
        del event["detail"]["stopCode"]
    return event


@pytest.mark.parametrize("last_status", ["RUNNING", "DEACTIVATING"])
@pytest.mark.parametrize("stop_code", [*STOP_CODES, "OneOfTomorrow", None])
def test_a_task_that_is_asked_to_stop_is_copied_at_once(one, many, last_status, stop_code):
    event = stop(last_status, stop_code)
    assert copied(one, event) and copied(many, event)
    assert passes(one, event) and passes(many, event), "the queue has it, too"


@pytest.mark.parametrize("stop_code", ["EssentialContainerExited", "SpotInterruption", "TerminationNotice", "InfrastructureHealth", "OneOfTomorrow", None])
def test_a_task_that_ends_by_itself_is_copied_when_its_interface_is_taken(one, many, stop_code):
    event = stop("DEPROVISIONING", stop_code)
    assert copied(one, event) and copied(many, event)
    assert passes(one, event) and passes(many, event), "the queue has it, too"


@pytest.mark.parametrize(
    ("last_status", "stop_code"),
    [
        *(("STOPPING", code) for code in STOP_CODES),
        ("DEPROVISIONING", "ServiceSchedulerInitiated"),
        ("DEPROVISIONING", "UserInitiated"),
        ("DEPROVISIONING", "TaskFailedToStart"),  # it never ran, so it has no target
        *(("STOPPED", code) for code in STOP_CODES),
    ],
)
def test_the_later_events_of_a_stop_are_left_to_the_queue(one, many, last_status, stop_code):
    assert not copied(one, stop(last_status, stop_code)) and not copied(many, stop(last_status, stop_code))


@pytest.mark.parametrize("last_status", ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"])
def test_no_start_is_copied(one, many, last_status):
    start = changed(RUNNING, lastStatus=last_status)
    assert not copied(one, start) and not copied(many, start)


FOREIGN = [
    pytest.param(changed(RUNNING, clusterArn=CLUSTER_ARN.replace("demo", "other")), id="another cluster"),
    pytest.param(changed(RUNNING, clusterArn=CLUSTER_ARN + "-2"), id="a cluster whose name begins alike"),
    pytest.param(changed(RUNNING, clusterArn=CLUSTER_ARN.replace("123456789012", "210987654321")), id="another account's cluster"),
    pytest.param(changed(RUNNING, clusterArn=CLUSTER_ARN.replace("us-east-2", "eu-west-1")), id="another region's cluster"),
    pytest.param(changed(RUNNING, group="a-group-given-to-run-task"), id="a task of neither service nor family"),
    pytest.param(RUNNING | {"source": "aws.ec2"}, id="another source"),
    pytest.param(RUNNING | {"detail-type": "ECS Service Action"}, id="ECS Service Action"),
    pytest.param(RUNNING | {"detail-type": "ECS Deployment State Change"}, id="ECS Deployment State Change"),
    pytest.param({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, id="Scheduled Event"),
]


@pytest.mark.parametrize("event", [*FOREIGN, pytest.param(changed(RUNNING, lastStatus="ACTIVATING"), id="a task that is still starting")])
def test_foreign_events_do_not_pass(one, many, event):
    assert not passes(one, event) and not passes(many, event)


@pytest.mark.parametrize("event", FOREIGN)
def test_foreign_stops_are_not_copied(one, many, event):
    stop = changed(event, lastStatus="DEACTIVATING", desiredStatus="STOPPED")
    assert not copied(one, stop) and not copied(many, stop)


@pytest.mark.parametrize("group", ["service:demo-service-2", "service:Demo-Service", "family:demo-service"])
def test_one_binding_hears_of_its_service_alone(one, group):
    assert not passes(one, changed(RUNNING, group=group))
    assert not copied(one, changed(sample("task-deactivating.json"), group=group))


@pytest.mark.parametrize("group", ["service:other-service", "family:batch"])
@pytest.mark.parametrize("cluster", ["demo-cluster", "more-cluster"])
def test_many_bindings_hear_of_services_and_families_of_all_their_clusters(many, group, cluster):
    there = {"group": group, "clusterArn": CLUSTER_ARN.replace("demo-cluster", cluster)}
    assert passes(many, changed(RUNNING, **there))
    assert copied(many, changed(sample("task-deactivating.json"), **there))


@pytest.mark.parametrize("mode", ["one", "many"])
def test_cluster_arns_are_whole_because_a_star_would_match_nothing(request, mode):
    deployment = request.getfixturevalue(mode)
    for pattern in (deployment.pattern, deployment.stop_pattern):
        arns = json.loads(pattern)["detail"]["clusterArn"]
        assert arns and all(arn.startswith("arn:aws:ecs:") and "*" not in arn for arn in arns)


def test_both_patterns_take_twenty_clusters():
    """EventBridge takes a pattern of 2,048 characters unless a quota is raised (EventBridge user guide, "Amazon EventBridge quotas")."""
    name = "the-cluster-of-one-department"
    clusters = ",".join(CLUSTER_ARN.replace("demo-cluster", f"{name}-{number}") for number in range(20))
    deployment = deploy(MANY | {"ClusterArns": clusters})
    for pattern in (deployment.pattern, deployment.stop_pattern):
        assert len(json.dumps(json.loads(pattern), separators=(",", ":"))) <= 2048


def test_the_role_may_do_what_the_function_does_and_no_more(one):
    assert "ManagedPolicyArns" not in resources(ONE, "AWS::IAM::Role")["Role"]
    assert {sid: (as_list(s["Action"]), as_list(s["Resource"])) for sid, s in one.statements.items()} == {
        "WriteTargets": (["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"], [GROUP_ARN]),
        "ReadTargetGroups": (["elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth"], ["*"]),
        "ExamineLoadBalancers": (
            [
                "elasticloadbalancing:DescribeAccountLimits",
                "elasticloadbalancing:DescribeListeners",
                "elasticloadbalancing:DescribeLoadBalancerAttributes",
                "elasticloadbalancing:DescribeLoadBalancers",
                "elasticloadbalancing:DescribeRules",
                "elasticloadbalancing:DescribeTargetGroupAttributes",
                "ecs:DescribeTaskDefinition",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
            ],
            ["*"],
        ),
        "ExamineServices": (["ecs:DescribeServices"], ["arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo-service"]),
        "ReadTasks": (["ecs:DescribeTasks"], ["arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/*"]),
        "ListTasks": (["ecs:ListTasks"], ["*"]),
        "ReceiveEvents": (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], [one.queue["QueueArn"]]),
        # AWS's ARN of a log group ends with ":*", moto's does not.
        "WriteLog": (
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            ["arn:aws:logs:us-east-2:123456789012:log-group:/aws/lambda/stack"],
        ),
    }


def calls_in(folder: str) -> set[str]:
    """What the Rust code below a folder calls of ECS and ELB, as IAM names it."""
    calls = set()
    for path in (ROOT / folder).rglob("*.rs"):
        text = path.read_text()
        (sdk, *more) = set(re.findall(r"aws_sdk_(ecs|elasticloadbalancingv2)::\{?(?:Client|types)", text)) or {None}
        assert not more, f"{path} has clients of two services"
        names = re.findall(r"\bclient(?:\s*\.sdk)?\s*\.([a-z_]+)\(\)", text)
        called = [name for name in names if name != "clone"]
        assert sdk or not called, f"{path} calls {called} by a client that this test does not know"
        service = {"ecs": "ecs", "elasticloadbalancingv2": "elasticloadbalancing", None: ""}[sdk]
        calls |= {f"{service}:{''.join(word.capitalize() for word in name.split('_'))}" for name in called}
        # Made without the SDK's client, by name.
        for calls_by, of in [(r"\bEcsCalls\b", "ecs"), (r"\breached\.query\(", "elasticloadbalancing"), (r"\bself\.ec2\b", "ec2"), (r"\bendpoints::LATTICE\b", "vpc-lattice")]:
            if re.search(calls_by, text):
                calls |= {f"{of}:{name}" for name in re.findall(r'const \w+: &str = "([A-Z]\w+)";', text)}
        if "endpoints::LATTICE" in text:
            calls |= {"vpc-lattice:RegisterTargets", "vpc-lattice:DeregisterTargets"}
    return calls


@pytest.fixture(scope="session")
def holding_many():
    return deploy(MANY | {"HoldMinutes": "15"})


@pytest.fixture(scope="session")
def everything():
    return deploy(MANY | {"HoldMinutes": "15", "Lattice": "true"})


@pytest.mark.parametrize("mode", ["holding", "holding_many", "everything"])
def test_the_role_allows_every_call_in_the_code_and_every_action_is_called(request, mode):
    """test_moto.py plays the calls; this one also sees those that no play comes to."""
    # Lambda itself, not the function, reads the queue and writes the log; VPC Lattice looks up the VPC.
    statements = [s for sid, s in request.getfixturevalue(mode).statements.items() if sid != "LookUpVpcForLattice"]
    granted = {action for statement in statements for action in as_list(statement["Action"])}
    granted = {action for action in granted if not action.startswith(("sqs:", "logs:"))}
    called = {call for call in calls_in("src") if mode == "everything" or not call.startswith("vpc-lattice:")}
    assert granted == called


LATTICE_ARN = "arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-0123456789abcdef0"
LATTICE_WRITES = ["vpc-lattice:RegisterTargets", "vpc-lattice:DeregisterTargets"]
LATTICE_READS = ["vpc-lattice:ListTargets", "vpc-lattice:GetTargetGroup"]


def test_only_a_function_that_serves_lattice_may_change_its_groups(one, tagging):
    for deployment in (one, tagging):
        assert not [action for s in deployment.statements.values() for action in as_list(s["Action"]) if action.startswith(("vpc-lattice:", "ec2:DescribeVpcs"))]
    statements = deploy(ONE | {"TargetGroupArn": LATTICE_ARN, "Lattice": "true"}).statements
    assert (statements["WriteLatticeTargets"]["Action"], as_list(statements["WriteLatticeTargets"]["Resource"])) == (LATTICE_WRITES, [LATTICE_ARN])
    assert (statements["ReadLatticeTargets"]["Action"], as_list(statements["ReadLatticeTargets"]["Resource"])) == (LATTICE_READS, [LATTICE_ARN])
    assert statements["LookUpVpcForLattice"]["Action"] == ["ec2:DescribeSubnets", "ec2:DescribeVpcs"]
    assert "WriteTaggedLatticeTargets" not in statements
    both = deploy(MANY | {"TargetGroupArns": f"{GROUP_ARN},{LATTICE_ARN}", "Lattice": "true"}).statements
    assert as_list(both["WriteLatticeTargets"]["Resource"]) == [GROUP_ARN, LATTICE_ARN]
    tagged = deploy(TAGS | {"Lattice": "true"}).statements
    assert "WriteLatticeTargets" not in tagged
    write = tagged["WriteTaggedLatticeTargets"]
    assert (write["Action"], as_list(write["Resource"])) == (LATTICE_WRITES, [ACCOUNT.format("vpc-lattice", "targetgroup/*")])
    assert (tagged["ReadLatticeTargets"]["Action"], as_list(tagged["ReadLatticeTargets"]["Resource"])) == (LATTICE_READS, as_list(write["Resource"]))
    assert write["Condition"] == {"Null": {"aws:ResourceTag/ecs-ipv6-targets:bind": "false"}}


def test_in_a_vpc_the_code_may_look_it_up_for_lattice_and_do_nothing_else_there():
    (policy,) = resources(ONE | IN_VPC | {"Lattice": "true"}, "AWS::IAM::ManagedPolicy").values()
    connect, keep = policy["PolicyDocument"]["Statement"]
    assert set(connect["Action"]) - set(keep["Action"]) == {"ec2:DescribeSubnets"}
    assert (keep["Effect"], set(keep["Action"]) - set(connect["Action"])) == ("Deny", set())


def test_only_a_function_that_holds_may_protect_tasks(one, holding):
    added = {sid: s for sid, s in holding.statements.items() if sid not in one.statements}
    assert {sid: (as_list(s["Action"]), as_list(s["Resource"])) for sid, s in added.items()} == {
        "HoldTasks": (["ecs:UpdateTaskProtection"], ["arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/*"]),
        "ReadProtection": (["ecs:GetTaskProtection"], ["arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/*"]),
    }
    assert (one.function["Environment"]["Variables"]["HOLD_MINUTES"], holding.function["Environment"]["Variables"]["HOLD_MINUTES"]) == ("0", "15")


def test_the_begin_of_a_deployment_goes_straight_to_a_function_that_holds(one, holding, holding_many):
    assert one.deployment_pattern is None
    assert holding.deployment_target["Arn"] == holding.function["FunctionArn"]
    assert holding.deployment_target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 2}
    begun = sample("deployment-in-progress.json")
    service = begun["resources"][0]
    for resource, matches_one, matches_many in [
        (service, True, True),
        (service.replace("demo-cluster/", ""), True, True),
        (service.replace("demo-service", "other"), False, True),
        (service.replace(":123456789012:", ":210987654321:"), False, False),
    ]:
        event = begun | {"resources": [resource]}
        passes = [EventPattern.load(deployment.deployment_pattern).matches_event(event) for deployment in (holding, holding_many)]
        assert passes == [matches_one, matches_many], resource
    for other in ["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED"]:
        assert not EventPattern.load(holding.deployment_pattern).matches_event(changed(begun, eventName=other))
    assert not EventPattern.load(holding.deployment_pattern).matches_event(begun | {"account": "210987654321"})


def statements_of_the_page(parameters: dict[str, str]) -> dict[str, dict]:
    """What the role of the status page may do, by Sid."""
    policies = [policy for policy in resources(parameters, "AWS::IAM::Policy").values() if "PageRole" in policy["Roles"]]
    policies += resources(parameters, "AWS::IAM::Role")["PageRole"]["Policies"]
    return {statement["Sid"]: statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]}


@pytest.mark.parametrize("parameters", [ONE, MANY | {"RoleArns": ROLE_ARN, "HoldMinutes": "15"}, TAGS | {"HoldMinutes": "15", "Lattice": "true"}])
def test_the_status_pages_role_reads_what_the_function_reads_and_writes_nothing_but_its_log(parameters):
    of_page, of_function = statements_of_the_page(parameters), deploy(parameters).statements
    assert of_page.pop("WriteLog")["Resource"] == "LogGroup.Arn"
    assert of_function.pop("WriteLog")["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert of_page == {sid: statement for sid, statement in of_function.items() if sid in of_page}
    assert of_function.keys() - of_page.keys() <= {
        *("WriteTargets", "WriteTaggedTargets", "WriteTaggedLatticeTargets", "LookUpVpcForLattice"),
        *("HoldTasks", "AssumeRoles", "ReceiveEvents"),
    }
    actions = {action for statement in of_page.values() for action in as_list(statement["Action"])}
    assert len(actions) > 10 and all(re.match(r"(elasticloadbalancing|ecs|ec2|vpc-lattice):(Describe|List|Get)|tag:GetResources$", action) for action in actions)
    assert resources(ONE | {"Dashboard": "false"}, "AWS::IAM::Role").keys() & {"PageRole"} == set()


def test_the_status_page_is_the_same_function_with_the_same_settings_and_no_events():
    function, page = (template()["Resources"][name] for name in ("Function", "Page"))
    build = ("BuildMethod", "BuildProperties")
    assert [page["Metadata"][key] for key in build] == [function["Metadata"][key] for key in build]
    assert page["Condition"] == "HasDashboard"
    own = {"Description", "MemorySize", "Timeout", "Role"}
    of_function = function["Properties"].keys() - {"Events", "EventInvokeConfig", "ReservedConcurrentExecutions"}
    assert page["Properties"].keys() == of_function
    assert all(page["Properties"][name] == function["Properties"][name] for name in of_function - own)


def test_ecs_may_invoke_the_function_as_a_hook_and_nothing_else():
    (policy,) = resources(ONE, "AWS::IAM::Role")["HookRole"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", "Function.Arn")
    (trust,) = resources(ONE, "AWS::IAM::Role")["HookRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Principal"], trust["Action"]) == ({"Service": "ecs.amazonaws.com"}, "sts:AssumeRole")


def test_with_many_bindings_the_role_covers_all_their_groups_and_clusters(many):
    assert many.statements["WriteTargets"]["Resource"] == [GROUP_ARN, GROUP_ARN.replace("demo-ipv6", "more-ipv6")]
    assert many.statements["ReadTasks"]["Resource"] == [
        "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/*",
        "arn:aws:ecs:us-east-2:123456789012:task/more-cluster/*",
    ]


ACCOUNT = "arn:aws:{}:us-east-2:123456789012:{}"


def test_a_function_that_reads_tags_may_write_to_tagged_groups_and_no_others(one, tagging):
    assert "WriteTargets" not in tagging.statements
    assert tagging.statements["ReadTags"]["Action"] == "tag:GetResources"
    assert as_list(tagging.statements["ReadTags"]["Resource"]) == ["*"]
    write = tagging.statements["WriteTaggedTargets"]
    assert as_list(write["Action"]) == ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]
    assert as_list(write["Resource"]) == [ACCOUNT.format("elasticloadbalancing", "targetgroup/*/*")]
    assert write["Condition"] == {"Null": {"aws:ResourceTag/ecs-ipv6-targets:bind": "false"}}
    assert not {"ReadTags", "WriteTaggedTargets"} & set(one.statements)


def test_a_function_that_reads_tags_may_read_the_tasks_of_all_clusters(tagging):
    assert as_list(tagging.statements["ReadTasks"]["Resource"]) == [ACCOUNT.format("ecs", "task/*")]
    assert as_list(tagging.statements["ExamineServices"]["Resource"]) == [ACCOUNT.format("ecs", "service/*")]
    assert as_list(tagging.statements["ListTasks"]["Condition"]["ArnEquals"]["ecs:cluster"]) == [ACCOUNT.format("ecs", "cluster/*")]
    holding = deploy(TAGS | {"HoldMinutes": "15"})
    assert as_list(holding.statements["HoldTasks"]["Resource"]) == [ACCOUNT.format("ecs", "task/*")]
    begun = sample("deployment-in-progress.json")
    assert EventPattern.load(holding.deployment_pattern).matches_event(begun)


def test_bindings_beside_tags_name_their_groups():
    both = deploy(MANY | TAGS | {"ClusterArns": ""})
    assert as_list(both.statements["WriteTargets"]["Resource"]) == MANY["TargetGroupArns"].split(",")
    assert "WriteTaggedTargets" in both.statements
    variables = both.function["Environment"]["Variables"]
    assert (variables["BINDINGS"], variables["DISCOVER"]) == (MANY["Bindings"], "tags")


def test_only_the_roles_that_are_given_may_be_assumed(one, many, tagging):
    statements = deploy(ELSEWHERE).statements
    assert statements["AssumeRoles"]["Action"] == "sts:AssumeRole"
    assert as_list(statements["AssumeRoles"]["Resource"]) == ELSEWHERE["RoleArns"].split(",")
    assert "WriteTargets" not in statements
    both = deploy(MANY | {"RoleArns": ROLE_ARN}).statements
    assert as_list(both["WriteTargets"]["Resource"]) == MANY["TargetGroupArns"].split(",")
    assert as_list(both["AssumeRoles"]["Resource"]) == [ROLE_ARN]
    for deployment in (one, many, tagging):
        assert "sts:AssumeRole" not in {action for s in deployment.statements.values() for action in as_list(s["Action"])}


def test_only_a_function_that_reads_tags_is_told_so(one, many, tagging):
    variables = tagging.function["Environment"]["Variables"]
    assert (variables["BINDINGS"], variables["DISCOVER"]) == ("", "tags")
    assert all("DISCOVER" not in deployment.function["Environment"]["Variables"] for deployment in (one, many))


@pytest.mark.parametrize("group", ["service:other-service", "family:batch"])
@pytest.mark.parametrize("cluster", ["demo-cluster", "another"])
def test_tags_hear_of_services_and_families_of_all_clusters_of_the_account(tagging, group, cluster):
    there = {"group": group, "clusterArn": CLUSTER_ARN.replace("demo-cluster", cluster)}
    running, leaving = changed(RUNNING, **there), changed(sample("task-deactivating.json"), **there)
    assert passes(tagging, running) and copied(tagging, leaving)
    for event in (running, leaving):
        forwarded = event | {"account": "210987654321"}
        assert not passes(tagging, forwarded) and not copied(tagging, forwarded)
    assert not passes(tagging, changed(running, group="a-group-given-to-run-task"))
    assert not passes(tagging, changed(running, lastStatus="ACTIVATING"))


def test_the_function_is_told_its_bindings(one, many):
    (binding,) = json.loads(one.function["Environment"]["Variables"]["BINDINGS"])
    assert binding == {"cluster": CLUSTER_ARN, "service": "demo-service", "targetGroupArn": GROUP_ARN, "port": 8080}
    assert many.function["Environment"]["Variables"]["BINDINGS"] == MANY["Bindings"]


def test_without_a_port_the_binding_leaves_it_to_the_group():
    (binding,) = json.loads(deploy(ONE | {"Port": ""}).function["Environment"]["Variables"]["BINDINGS"])
    assert "port" not in binding


def test_a_message_stays_hidden_as_long_as_lambda_asks(one):
    """Six times the function's timeout plus the batching window (Lambda developer guide, "Using Lambda with Amazon SQS")."""
    assert int(one.queue["VisibilityTimeout"]) == 6 * one.function["Timeout"] + one.mapping["MaximumBatchingWindowInSeconds"]


def test_a_copy_is_the_whole_event_and_says_that_the_queue_has_it(one):
    assert one.stop_target["Arn"] == one.function["FunctionArn"]
    template = one.stop_target["InputTransformer"]["InputTemplate"]
    assert '"<' not in template  # in quotes EventBridge would make a string of it
    copy = json.loads(template.replace("<aws.events.event.json>", json.dumps(sample("task-deactivating.json"))))
    assert copy == sample("copy-of-stop.json")


def test_a_copy_is_given_up_early_and_not_kept(one):
    # 60 s is the least that EventBridge takes.
    assert one.stop_target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 2}
    assert "DeadLetterConfig" not in one.stop_target
    assert template()["Resources"]["Function"]["Properties"]["EventInvokeConfig"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}


def test_only_the_schedule_and_the_rule_for_stops_may_invoke_the_function(one):
    assert sorted(one.invokers) == sorted([one.stop_rule_arn, one.schedule_arn])


def test_only_the_failed_messages_of_a_batch_return(one):
    assert one.mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert one.mapping["EventSourceArn"] == one.queue["QueueArn"]


def test_the_queue_gathers_batches(one):
    # Over 10 messages only with a window; at 6 MB Lambda sends what it has (Lambda developer guide, "Batching behavior").
    assert 10 < one.mapping["BatchSize"] <= 10_000
    assert one.mapping["MaximumBatchingWindowInSeconds"] == 2
    assert one.mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_what_fails_for_good_ends_in_the_dead_letter_queue_and_outlives_the_queue(one):
    dead_letters = one.dead_letter_queue["QueueArn"]
    assert json.loads(one.queue["RedrivePolicy"]) == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 10}
    assert one.rule_target["Arn"] == one.queue["QueueArn"]
    assert one.rule_target["DeadLetterConfig"] == {"Arn": dead_letters}
    assert int(one.dead_letter_queue["MessageRetentionPeriod"]) == 14 * 86400
    assert int(one.queue["MessageRetentionPeriod"]) == 4 * 86400


def test_both_queues_are_encrypted(one):
    assert one.queue["SqsManagedSseEnabled"] == one.dead_letter_queue["SqsManagedSseEnabled"] == "true"


@pytest.mark.parametrize("queue", ["Queue", "DeadLetterQueue"])
def test_only_the_rule_may_send_and_only_over_tls(queue):
    policy = template()["Resources"][f"{queue}Policy"]["Properties"]
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    assert policy["Queues"] == [{"Ref": queue}]
    assert {s.pop("Sid"): s for s in policy["PolicyDocument"]["Statement"]} == {
        "SendFromRule": {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}},
        },
        "DenyWithoutTls": {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    }


def test_no_partition_is_written_into_the_template():
    assert "arn:aws" not in (ROOT / "template.yaml").read_text()


TOPIC = "arn:aws:sns:us-east-2:123456789012:on-call"


@pytest.mark.parametrize(
    "parameters",
    [
        ONE,
        ONE | {"Port": ""},
        ONE | {"Port": "65535"},
        MANY,
        MANY | {"Prune": "all", "DryRun": "true"},
        TAGS,
        TAGS | {"Prune": "never", "HoldMinutes": "15"},
        MANY | TAGS | {"ClusterArns": ""},
        ELSEWHERE,
        MANY | {"RoleArns": ROLE_ARN},
        ELSEWHERE | TAGS | {"ClusterArns": ""},
        MANY | {"RoleArns": ROLE_ARN, "Lattice": "true"},
        TAGS | {"Lattice": "true"},
        ONE | IN_VPC,
        ONE | {"SubnetIds": "subnet-0a", "SecurityGroupIds": "sg-0a"},
        ONE | {"UseDualStackEndpoints": "true"},
        ONE | {"AlarmTopicArn": TOPIC, "RunbookUrl": "https://wiki.example/ipv6?page=runbook", "ExpectedUnowned": "3"},
        ONE | {"LogLevel": "TRACE"},
    ],
)
def test_sensible_parameters_are_taken(parameters):
    assert refusals(parameters) == []


@pytest.mark.parametrize(
    "parameters, named",
    [
        ({}, "ClusterName"),
        (ONE | {"ClusterName": ""}, "ClusterName"),
        (ONE | {"ClusterName": CLUSTER_ARN}, "ClusterName"),
        (ONE | {"ServiceName": ""}, "ServiceName"),
        (ONE | {"TargetGroupArn": ""}, "TargetGroupArn"),
        (ONE | {"TargetGroupArn": f"{GROUP_ARN},{GROUP_ARN}"}, "TargetGroupArn"),
        (ONE | {"TargetGroupArn": "demo-ipv6"}, "TargetGroupArn"),
        (ONE | {"Port": "0"}, "Port"),
        (ONE | {"Port": "65536"}, "Port"),
        (ONE | {"TargetGroupArns": GROUP_ARN}, "TargetGroupArns"),
        (ONE | {"ClusterArns": CLUSTER_ARN}, "ClusterArns"),
        (ONE | {"DryRun": "yes"}, "DryRun"),
        (ONE | {"ReconcileMinutes": "2"}, "ReconcileMinutes"),
        (ONE | {"ReconcileMinutes": "rate(1 minute)"}, "ReconcileMinutes"),
        (ONE | {"LogLevel": "WARN"}, "LogLevel"),
        (ONE | {"LogLevel": "ERROR"}, "LogLevel"),
        (ONE | {"Dashboard": "yes"}, "Dashboard"),
        (ONE | {"ExpectedUnowned": "-1"}, "ExpectedUnowned"),
        (ONE | {"AlarmTopicArn": "on-call"}, "AlarmTopicArn"),
        (ONE | {"AlarmTopicArn": f"{TOPIC}.fifo"}, "AlarmTopicArn"),
        (ONE | {"RunbookUrl": ""}, "RunbookUrl"),
        (ONE | {"RunbookUrl": 'https://wiki.example/"'}, "RunbookUrl"),
        (ONE | {"RunbookUrl": "https://wiki.example/#top"}, "RunbookUrl"),
        (ONE | IN_VPC | {"SubnetIds": ""}, "SecurityGroupIds needs SubnetIds"),
        (ONE | IN_VPC | {"SecurityGroupIds": ""}, "SubnetIds needs SecurityGroupIds"),
        (ONE | IN_VPC | {"SubnetIds": "subnet-0a, subnet-0b"}, "SubnetIds"),
        (ONE | IN_VPC | {"SecurityGroupIds": "default"}, "SecurityGroupIds"),
        (ONE | {"Prune": "some"}, "Prune"),
        (MANY | {"Bindings": "[]"}, "Bindings"),
        (MANY | {"Bindings": "{}"}, "Bindings"),
        (MANY | {"TargetGroupArns": ""}, "TargetGroupArns"),
        (MANY | {"TargetGroupArns": f"{GROUP_ARN}, {GROUP_ARN}"}, "TargetGroupArns"),
        (MANY | {"ClusterArns": ""}, "ClusterArns"),
        (MANY | {"ClusterArns": "*"}, "ClusterArns"),
        (MANY | {"ClusterName": "demo-cluster"}, "ClusterName"),
        (MANY | {"ServiceName": "demo-service"}, "ServiceName"),
        (MANY | {"TargetGroupArn": GROUP_ARN}, "TargetGroupArn"),
        (MANY | {"Port": "8080"}, "Port"),
        (ONE | {"RoleArns": ROLE_ARN}, "RoleArns"),
        (TAGS | {"RoleArns": ROLE_ARN}, "RoleArns"),
        (MANY | {"RoleArns": "*"}, "RoleArns"),
        (MANY | {"RoleArns": f"{ROLE_ARN}, {ROLE_ARN}"}, "RoleArns"),
        (ELSEWHERE | {"RoleArns": ""}, "RoleArns"),
        (ONE | {"Discover": "tag"}, "Discover"),
        (ONE | TAGS, "ClusterName"),
        (ONE | TAGS, "TargetGroupArn"),
        (TAGS | {"ServiceName": "demo-service"}, "ServiceName"),
        (TAGS | {"Port": "8080"}, "Port"),
        (TAGS | {"ClusterArns": CLUSTER_ARN}, "ClusterArns"),
        (TAGS | {"TargetGroupArns": GROUP_ARN}, "TargetGroupArns"),
        (MANY | TAGS | {"TargetGroupArns": ""}, "TargetGroupArns"),
        (TAGS | {"Prune": "all"}, "Prune"),
        (ELSEWHERE | {"Lattice": "true"}, "Lattice"),
        (TAGS | {"ReconcileMinutes": "5"}, "ReconcileMinutes"),
    ],
)
def test_senseless_parameters_are_refused_by_name(parameters, named):
    assert any(named in reason for reason in refusals(parameters))


def test_a_schedule_wakes_the_function_for_a_reconcile(one):
    assert one.schedule == "rate(1 minute)"
    assert one.schedule_target["Arn"] == one.function["FunctionArn"]
    assert "Input" not in one.schedule_target  # the function knows the schedule's own event


@pytest.mark.parametrize(("minutes", "schedule"), [("1", "rate(1 minute)"), ("5", "rate(5 minutes)"), ("15", "rate(15 minutes)"), ("60", "rate(1 hour)")])
def test_each_number_of_minutes_has_its_schedule(minutes, schedule):
    assert deploy(ONE | {"ReconcileMinutes": minutes}).schedule == schedule


def test_every_number_of_minutes_that_is_taken_has_its_schedule():
    assert template()["Parameters"]["ReconcileMinutes"]["AllowedValues"] == list(template()["Mappings"]["Every"])


def test_a_list_of_tasks_is_allowed_for_the_bound_clusters_only(one, many):
    cluster = lambda deployment: as_list(deployment.statements["ListTasks"]["Condition"]["ArnEquals"]["ecs:cluster"])  # noqa: E731
    assert cluster(one) == [CLUSTER_ARN]
    assert cluster(many) == MANY["ClusterArns"].split(",")


def test_a_reconcile_that_failed_is_left_to_the_next_one():
    assert template()["Resources"]["Function"]["Properties"]["EventInvokeConfig"]["MaximumRetryAttempts"] == 0


def test_the_function_is_in_a_vpc_only_if_told(one, in_vpc):
    assert not one.function.get("VpcConfig", {}).get("SubnetIds")
    vpc = in_vpc.function["VpcConfig"]
    assert vpc["SubnetIds"] == IN_VPC["SubnetIds"].split(",")
    assert vpc["SecurityGroupIds"] == IN_VPC["SecurityGroupIds"].split(",")
    assert resources(ONE, "AWS::IAM::ManagedPolicy") == {}


@pytest.mark.parametrize("value", ["true", "false"])
def test_ipv6_from_a_vpc_and_dual_stack_endpoints_go_together(value):
    function = deploy(ONE | IN_VPC | {"UseDualStackEndpoints": value}).function
    assert function["Environment"]["Variables"]["AWS_USE_DUALSTACK_ENDPOINT"] == value
    assert function["VpcConfig"]["Ipv6AllowedForDualStack"] is (value == "true")


def test_lambda_may_connect_the_function_to_the_vpc_and_its_code_may_not():
    assert resources(ONE | IN_VPC, "AWS::IAM::Role")["Role"]["ManagedPolicyArns"] == ["VpcPolicy"]
    (policy,) = resources(ONE | IN_VPC, "AWS::IAM::ManagedPolicy").values()
    connect, keep = policy["PolicyDocument"]["Statement"]
    assert connect == {
        "Sid": "ConnectToVpc",
        "Effect": "Allow",
        "Action": [  # those of AWSLambdaVPCAccessExecutionRole, without its logs:*
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ],
        "Resource": "*",
    }
    assert keep["Effect"] == "Deny"
    assert set(as_list(keep["Action"])) == set(connect["Action"]) - {"ec2:DescribeSubnets"}
    assert keep["Condition"] == {"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:*:*:function:*"}}
