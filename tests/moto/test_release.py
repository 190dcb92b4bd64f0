"""What a release holds: a template that takes the package from a bucket, and the list of crates. The packages are of scripts/package.sh."""

import json
import re
import subprocess
import sys
import tomllib

import boto3
from cloudformation import create_stack
from conftest import ONE
from deployment import REGION, ROOT, template
from moto import mock_aws
from samcli.yamlhelper import yaml_parse


def printed(*command) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@mock_aws
def test_the_released_template_takes_the_package_from_a_bucket():
    released = yaml_parse(printed("scripts/release-template.sh"))
    wanted = template()
    assert released["Parameters"].keys() - wanted["Parameters"].keys() == {"CodeBucket", "CodeKey"}
    code = {name: resource["Properties"]["CodeUri"] for name, resource in released["Resources"].items() if resource["Type"] == "AWS::Serverless::Function"}
    assert code and all(uri == {"Bucket": {"Ref": "CodeBucket"}, "Key": {"Ref": "CodeKey"}} for uri in code.values())
    client = lambda service: boto3.client(service, region_name=REGION)  # noqa: E731
    client("s3").create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_object(Bucket="packages", Key="0.1.0/bootstrap-arm64.zip", Body=b"zip")
    parameters = ONE | {"CodeBucket": "packages", "CodeKey": "0.1.0/bootstrap-arm64.zip"}
    outputs = create_stack(client, "stack", released, parameters, lambda _: False)
    assert client("lambda").get_function(FunctionName=outputs["FunctionName"])["Code"]["Location"].endswith("0.1.0/bootstrap-arm64.zip")


def test_the_list_of_crates_has_what_the_function_needs_and_no_tests():
    listed = {component["name"]: component for component in json.loads(printed(sys.executable, "scripts/sbom.py"))["components"]}
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    assert manifest["dependencies"].keys() <= listed.keys()
    only_tests = manifest["dev-dependencies"].keys() - manifest["dependencies"].keys()
    assert "proptest" in only_tests and not only_tests & (listed.keys() - {"tokio-rustls"})  # which the TLS of the function needs too
    locked = {package.get("checksum") for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    assert {component["hashes"][0]["content"] for component in listed.values()} <= locked


def test_the_list_of_crates_is_always_the_same():
    assert printed(sys.executable, "scripts/sbom.py") == printed(sys.executable, "scripts/sbom.py")


def test_every_release_file_that_the_documentation_names_is_made():
    named = set(re.findall(r"`([\w.-]+\.(?:zip|yaml|json)|SHA256SUMS)`", (ROOT / "docs/deploy-from-a-release.md").read_text()))
    workflow = (ROOT / ".github/workflows/release.yml").read_text() + (ROOT / "scripts/package.sh").read_text()
    assert named == {"bootstrap-arm64.zip", "bootstrap-x86_64.zip", "template.yaml", "sbom.cdx.json", "SHA256SUMS"}
    assert {name for name in named if name not in workflow} == set()


def test_workflows_build_with_one_compiler():
    workflows = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    assert len(re.findall(r"rustup toolchain install", workflows)) == 2
    assert len(set(re.findall(r"rustup (?:toolchain install|default) ([\d.]+)", workflows))) == 1


def test_the_construct_has_the_functions_version():
    versions = [tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"], json.loads((ROOT / "deploy/cdk/package.json").read_text())["version"]]
    assert versions[0] == versions[1]
