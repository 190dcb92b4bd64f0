"""Terraform itself, where it is at hand, without any provider: what is left of the module are its variables and locals, which is where policies, patterns,
bindings and the dashboard are made. (Without Terraform these tests are skipped; tfparse evaluates the rest, see module.py.)"""

import json
import os
import re
import shutil
import subprocess

import pytest
import ways
from deployment import ROOT
from module import MODULE, told
from wishes import GROUP_ARN, LATTICE_ARN, ROLE_ARN, WISHES

pytestmark = pytest.mark.skipif(not shutil.which("terraform"), reason="no terraform here")
ONE = WISHES["one"].for_terraform()


def terraform(*arguments: str, folder) -> subprocess.CompletedProcess:
    # No newer version is looked for.
    environment = os.environ | {"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1"}
    return subprocess.run(["terraform", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def evaluated(variables: dict, folder) -> dict | str:
    """All locals, or what Terraform says against the variables."""
    blocks = re.findall(r"^locals \{\n.*?^\}\n", "\n".join(path.read_text() for path in sorted(MODULE.glob("*.tf"))), re.MULTILINE | re.DOTALL)
    text = told("".join(blocks)).replace("[for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn]", "keys(local.alarms)")
    names = re.findall(r"^  (\w+) +=", text, re.MULTILINE)
    outputs = ", ".join(f"{name} = local.{name}" for name in names)
    (folder / "main.tf").write_text(f'{text}output "all" {{\n  value = jsonencode({{ {outputs} }})\n}}\n')
    for name in ("variables.tf", "alarms.json", "dashboard.json.tftpl"):
        shutil.copy(MODULE / name, folder)
    (folder / "given.auto.tfvars.json").write_text(json.dumps({"name": "stack", "package": "bootstrap.zip"} | variables))
    assert terraform("init", "-input=false", folder=folder).returncode == 0
    done = terraform("apply", "-auto-approve", "-input=false", "-no-color", folder=folder)
    return json.loads(terraform("output", "-raw", "all", folder=folder).stdout) if done.returncode == 0 else done.stderr


def test_terraform_formats_nothing_anew():
    done = terraform("fmt", "-check", "-recursive", folder=ROOT / "deploy/terraform")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("wish", WISHES)
def test_terraform_evaluates_what_the_template_says(wish, tmp_path):
    made, wanted = evaluated(WISHES[wish].for_terraform(), tmp_path), ways.of_template(WISHES[wish].for_template())
    assert isinstance(made, dict), made
    assert ways.plain({"Statement": made["statements"]}) == {"Statement": wanted["Role"]["Policies"]["function"]["PolicyDocument"]["Statement"]}
    reads = {name: policy["PolicyDocument"] for name, policy in wanted["Role"]["Policies"].items() if name.startswith("read")}
    assert {name: ways.plain(document, "PolicyDocument") for name, document in made["reads"].items()} == reads
    assert ways.plain(made["pattern_of_events"]) == wanted["Rule"]["EventPattern"]
    assert ways.plain(made["pattern_of_stops"]) == wanted["StopRule"]["EventPattern"]
    if "DeploymentRule" in wanted:
        assert ways.plain(made["pattern_of_deployments"]) == wanted["DeploymentRule"]["EventPattern"]
    assert ways.plain(made["bindings"]) == (wanted["Function"]["Environment"]["Variables"].get("BINDINGS") or [])
    if "Overview" in wanted:
        dashboard = json.loads(made["dashboard"])
        (alarms,) = [widget["properties"]["alarms"] for widget in dashboard["widgets"] if widget["type"] == "alarm"]
        alarms[:] = [f"{ways.alarm_called(name)}.Arn" for name in alarms]
        assert ways.plain(dashboard) == wanted["Overview"]["DashboardBody"]


@pytest.mark.parametrize(
    "variables, named",
    [
        ({"bindings": []}, "Give bindings"),
        ({"bindings": [ONE["bindings"][0] | {"service": None}]}, "either service or family"),
        ({"bindings": [ONE["bindings"][0] | {"target_group_arn": "demo-ipv6"}]}, "target_group_arn must be"),
        ({"bindings": [ONE["bindings"][0] | {"port": 0}]}, "port must be"),
        ({"bindings": [ONE["bindings"][0] | {"port": 80.5}]}, "port must be"),
        ({"bindings": [ONE["bindings"][0] | {"external_id": "prod"}]}, "external_id needs role_arn"),
        ({"discover": "tags", "prune": "all"}, "discover goes with"),
        ({"bindings": [ONE["bindings"][0] | {"target_group_arn": LATTICE_ARN}]}, "need lattice = true"),
        ({"lattice": True, "bindings": [ONE["bindings"][0] | {"target_group_arn": LATTICE_ARN, "role_arn": ROLE_ARN}]}, "neither role_arn nor zone"),
        ({"lattice": True, "bindings": [ONE["bindings"][0] | {"role_arn": ROLE_ARN}]}, "lattice needs"),
        ({"hold_minutes": 15, "reconcile_minutes": 5}, "hold_minutes needs"),
        ({"hold_minutes": 2881}, "hold_minutes must be"),
        ({"prune": "some"}, "prune must be"),
        ({"log_level": "WARN"}, "log_level must be"),
        ({"subnet_ids": ["subnet-0a"]}, "need each other"),
        ({"bindings": [ONE["bindings"][0] | {"cluster": "demo cluster"}]}, "cluster must be"),
        ({"bindings": [ONE["bindings"][0] | {"service": "demo-cluster/demo-service"}]}, "service must be"),
        ({"bindings": [ONE["bindings"][0] | {"role_arn": "ecs-ipv6-targets"}]}, "role_arn must be"),
        ({"alarm_topic_arn": "on-call"}, "alarm_topic_arn must be"),
        ({"runbook_url": "https://wiki.example/runbook#alarms"}, "runbook_url must be"),
        ({"expected_unowned": -1}, "expected_unowned must not"),
        ({"log_retention_days": 31}, "log_retention_days must be"),
        ({"permissions_boundary": "boundary"}, "permissions_boundary must be"),
        ({"role_path": "platform"}, "role_path must"),
        ({"kms_key_arn": "arn:aws:kms:us-east-2:123456789012:alias/logs"}, "kms_key_arn must be"),
        ({"subnet_ids": ["10.0.0.0"], "security_group_ids": ["sg-0a"]}, "subnet_ids must be"),
        ({"subnet_ids": ["subnet-0a"], "security_group_ids": ["web"]}, "security_group_ids must be"),
        ({"reserved_concurrency": 4}, "reserved_concurrency must be"),
        ({"reserved_concurrency": 5.5}, "reserved_concurrency must be"),
    ],
)
def test_what_the_template_refuses_is_refused(variables, named, tmp_path):
    refused = evaluated(ONE | variables, tmp_path)
    assert isinstance(refused, str) and named in refused


def test_a_cluster_may_be_given_by_its_arn(tmp_path):
    binding = {"cluster": "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster", "service": "demo-service", "target_group_arn": GROUP_ARN}
    made = evaluated({"bindings": [binding]}, tmp_path)
    assert made["tasks"] == ["arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/*"]
