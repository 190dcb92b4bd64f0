#!/usr/bin/env bash
# Builds the function for this machine's architecture and packs it: target/package/bootstrap-arm64.zip or
# bootstrap-x86_64.zip. The same commit, compiler and tools make the same binary in every folder and for every user.
# Needs Rust, cargo-lambda with Zig (the Python packages of tests/moto/requirements.txt) and Python.
set -euo pipefail
cd "$(dirname "$0")/.."

case $(uname -m) in
  x86_64) architecture=x86_64 option=--x86-64 ;;
  aarch64 | arm64) architecture=arm64 option=--arm64 ;;
  *) echo "Lambda has no $(uname -m)" >&2 && exit 1 ;;
esac

# Panics name source files, and dependencies lie in a folder of the user's. They get names that are everybody's.
cargo fetch --locked
RUSTFLAGS="--remap-path-prefix=$PWD=/src" CFLAGS="-ffile-prefix-map=$PWD=/src"
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  RUSTFLAGS+=" --remap-path-prefix=$registry=/registry"
  CFLAGS+=" -ffile-prefix-map=$registry=/registry"
done
export RUSTFLAGS CFLAGS

target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target CARGO_ZIGBUILD_CACHE_DIR=$target/zig ZIG_GLOBAL_CACHE_DIR=$target/zig
cargo lambda build --release --locked "$option"

mkdir -p "$target/package"
python3 - "$target/lambda/ecs-ipv6-targets/bootstrap" "$target/package/bootstrap-$architecture.zip" <<'PYTHON'
import sys, zipfile

binary, package = sys.argv[1:]
entry = zipfile.ZipInfo("bootstrap")  # its time is 1980, the same for everybody
entry.external_attr = 0o100755 << 16
with zipfile.ZipFile(package, "w") as archive, open(binary, "rb") as file:
    archive.writestr(entry, file.read(), zipfile.ZIP_DEFLATED, 9)
PYTHON
sha256sum "$target/lambda/ecs-ipv6-targets/bootstrap" "$target/package/bootstrap-$architecture.zip"
