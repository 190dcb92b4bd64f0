"""Prints what the function is made of, as CycloneDX 1.5: every crate that is compiled into it or runs while it is compiled, with the hash of
Cargo.lock. It holds no time and no random number, so that the same commit has the same list."""

import json
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURES = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"]


def used() -> dict[tuple[str, str], str]:
    """Name and version of every crate, and its licence."""
    crates = {}
    for architecture in ARCHITECTURES:
        command = ["cargo", "tree", "--locked", "--package", "ecs-ipv6-targets", "--edges", "normal,build"]
        command += ["--target", architecture, "--prefix", "none", "--no-dedupe", "--format", "{p}\t{l}"]
        for line in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
            package, licence = line.split("\t")
            name, version = package.split()[:2]
            crates[name, version.removeprefix("v")] = licence
    return crates


def component(kind: str, crate: tuple[str, str], licence: str) -> dict:
    name, version = crate
    url = f"pkg:cargo/{name}@{version}"
    licences = [{"expression": licence.replace("/", " OR ")}]  # "MIT/Apache-2.0" is how crates once wrote it
    return {"type": kind, "bom-ref": url, "name": name, "version": version, "purl": url, "licenses": licences}


def sbom() -> dict:
    locked = {(package["name"], package["version"]): package.get("checksum") for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    crates = used()
    (function,) = [crate for crate in crates if locked[crate] is None]
    others = [
        component("library", crate, licence) | {"hashes": [{"alg": "SHA-256", "content": locked[crate]}]}
        for crate, licence in sorted(crates.items())
        if crate != function
    ]
    metadata = {"component": component("application", function, crates[function])}
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": metadata, "components": others}


if __name__ == "__main__":
    print(json.dumps(sbom(), indent=2))
