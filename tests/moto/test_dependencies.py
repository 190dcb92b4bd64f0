"""docs/dependencies.md names every direct dependency and where it is needed, and no other."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MANIFESTS = {
    ("Cargo.toml", "dependencies"): "function",
    ("Cargo.toml", "dev-dependencies"): "tests",
    ("sim/Cargo.toml", "dependencies"): "sim",
    ("sim/Cargo.toml", "dev-dependencies"): "tests of sim",
    ("simulate/Cargo.toml", "dependencies"): "simulate",
    ("simulate/Cargo.toml", "dev-dependencies"): "tests of simulate",
    ("fuzz/Cargo.toml", "dependencies"): "fuzz",
    ("fuzz/Cargo.toml", "dev-dependencies"): "tests of fuzz",
}


def test_the_documentation_names_every_direct_dependency_and_no_other():
    text = (ROOT / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| `(\S+)` \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    documented = sorted((crate, user) for crate, users, _ in rows for user in users.split(", "))
    asked_for = sorted(
        (crate, user)
        for (manifest, table), user in MANIFESTS.items()
        for crate in tomllib.loads((ROOT / manifest).read_text()).get(table, {})
    )
    assert documented == asked_for
