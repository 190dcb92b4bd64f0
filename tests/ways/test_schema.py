"""Every resource, argument and block of the Terraform module is one that the AWS provider has, as it wants it.

The provider's schema is that of the type declarations which CDK Terrain makes of it, because the provider itself is not to be had here. Not seen: what
excludes what, ranges of values, and arguments that can only be read, which the declarations leave out.
"""

import os
import re
from pathlib import Path

import module
import pytest
from deployment import ROOT
from wishes import WISHES

DECLARATIONS = Path(os.environ.get("AWS_PROVIDER", ROOT / ".ci/schema/node_modules/@cdktn/provider-aws")) / "lib"
META = {"count", "for_each", "depends_on"}
TYPES = {"string": str, "number": (int, float, str), "boolean": (bool, str)}


def interfaces(kind: str) -> dict[str, dict[str, tuple[str, bool]]]:
    """The arguments of a resource and of its blocks, by the names of their interfaces: type, and whether it must be given."""
    folder = DECLARATIONS / kind.removeprefix("aws_").replace("_", "-")
    assert folder.is_dir(), f"{kind} is no resource of the provider, or {DECLARATIONS} is missing: see .ci/run, \"Terraform module\""
    found = {}
    for path in folder.glob("*.d.ts"):
        for name, body in re.findall(r"^export interface (\w+) .*?\{\n(.*?)^\}", path.read_text(), re.MULTILINE | re.DOTALL):
            rows = re.findall(r"#(\w+) \w+#\w+\}(?:(?!\*/).)*?\*/\s*readonly \w+(\??): ([^;]+);", body, re.DOTALL)
            found[name] = {argument: (type, not optional) for argument, optional, type in rows}
    return found


def mistakes(kind: str, block: dict, declared: dict, interface: str, path: str) -> list[str]:
    arguments = declared[interface]
    given = {name: value for name, value in block.items() if not name.startswith("__") and name not in META | {"id"}}
    found = [f"{path}.{name} is missing" for name, (_, needed) in arguments.items() if needed and name not in given]
    for name, value in given.items():
        if name not in arguments:
            found.append(f"{path}.{name} does not exist")
            continue
        type = arguments[name][0].replace(" | cdktn.IResolvable", "")
        if type.rstrip("[]") in declared:
            for inner in value if isinstance(value, list) else [value]:
                found += mistakes(kind, inner, declared, type.rstrip("[]"), f"{path}.{name}")
        elif (wanted := TYPES.get(type)) and not isinstance(value, (wanted, dict)) and value is not None:  # a dict is what could not be evaluated
            found.append(f"{path}.{name} is {value!r}, and not a {type}")
        elif type == "string[]" and not isinstance(value, (list, dict)):
            found.append(f"{path}.{name} is {value!r}, and not a list")
    return found


def checked(resources: dict[str, list[dict]]) -> dict[str, list[str]]:
    """The mistakes in each resource."""
    found = {}
    for kind, blocks in resources.items():
        for block in blocks:
            address = block.get("__tfmeta", {}).get("path", "")
            if address.startswith("aws_"):
                declared = interfaces(kind)
                (config,) = [name for name in declared if name.endswith("Config") and f"{name.removesuffix('Config').lower()}" == kind.removeprefix("aws_").replace("_", "")]
                found[address] = mistakes(kind, block, declared, config, address)
    return found


@pytest.mark.parametrize("wish", WISHES)
def test_the_provider_has_every_argument(wish, tmp_path):
    found = checked(module.evaluated(WISHES[wish].for_terraform(), tmp_path))
    assert len(found) > 20
    assert [mistake for of_resource in found.values() for mistake in of_resource] == []
