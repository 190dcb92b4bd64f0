"""docs/dependencies.md names every direct dependency and where it is needed, and no other; and the Rust that they need
is the Rust that is asked for."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MANIFESTS = {
    ("Cargo.toml", "dependencies"): "function",
    ("Cargo.toml", "dev-dependencies"): "tests",
    ("testing/aws-sim/Cargo.toml", "dependencies"): "aws-sim",
    ("testing/aws-sim/Cargo.toml", "dev-dependencies"): "tests of aws-sim",
    ("testing/harness/Cargo.toml", "dependencies"): "harness",
    ("testing/harness/Cargo.toml", "dev-dependencies"): "tests of harness",
    ("testing/simulation/Cargo.toml", "dependencies"): "simulation",
    ("testing/simulation/Cargo.toml", "dev-dependencies"): "tests of simulation",
    ("testing/exhaustive/Cargo.toml", "dependencies"): "exhaustive",
    ("testing/exhaustive/Cargo.toml", "dev-dependencies"): "tests of exhaustive",
    ("testing/bad-input/Cargo.toml", "dependencies"): "bad-input",
    ("testing/bad-input/Cargo.toml", "dev-dependencies"): "tests of bad-input",
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


def test_the_rust_asked_for_is_what_the_locked_dependencies_need():
    """Of those that this machine compiles, and without the network: they are here since the function was built."""
    version = lambda text: tuple(int(part) for part in f"{text}.0".split(".")[:3])  # noqa: E731
    cargo = lambda *arguments: subprocess.run(["cargo", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: E731
    (host,) = re.findall(r"^host: (\S+)$", cargo("--version", "--verbose"), re.MULTILINE)
    packages = json.loads(cargo("metadata", "--format-version=1", "--locked", "--offline", f"--filter-platform={host}"))["packages"]
    needed = {package["rust_version"] for package in packages if package["source"] and package["rust_version"]}
    ours = {package["rust_version"] for package in packages if not package["source"]}
    assert ours == {max(needed, key=version)}
    (ours,) = ours
    for manifest in (ROOT / "benches/rivals").glob("*/Cargo.toml"):
        assert tomllib.loads(manifest.read_text())["package"]["rust-version"] == ours
    for document in ("README.md", "CONTRIBUTING.md", "docs/deploy-with-sam.md"):
        assert set(re.findall(r"\bRust (1\.[\d.]+\d)", (ROOT / document).read_text())) == {ours}, document
