#!/usr/bin/env bash
# Builds the function for arm64 on an x86-64 machine with Debian, and runs the tests of the binary under qemu. Nothing of
# the machine's Rust is changed: the standard library for arm64 is compiled too, from Debian's source of the compiler's
# own version, unless rustup has that source. A release is built on an arm64 machine instead (scripts/package.sh).
# Needs the Python packages of tests/moto, as .ci/run installs them, and root to install qemu if it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$PWD/target/arm64
mkdir -p "$work"
die() {
  echo "$*" >&2
  exit 1
}

# Tools.
if ! dpkg --status qemu-user-static libc6-arm64-cross >/dev/null 2>&1; then
  apt-get install --yes --no-install-recommends qemu-user-static libc6-arm64-cross
fi
if [ ! -x "$work/tools/bin/cargo-zigbuild" ]; then
  python3 -m venv "$work/tools"
  "$work/tools/bin/pip" install --quiet cargo-zigbuild==0.24.0 ziglang==0.17.1
fi

# The source of the standard library. Debian has several versions of it in the backports of its newest release, in a
# package list of our own, so that the machine's stays as it is.
version=$(rustc --version | cut -d ' ' -f 2)
library=$(rustc --print sysroot)/lib/rustlib/src/rust/library
if [ ! -d "$library" ]; then
  library=$work/rust-src/usr/src/rustc-$version/library
fi
if [ ! -d "$library" ]; then
  apt=$work/apt
  mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,etc}
  # shellcheck disable=SC2016 # apt's own form of variables
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie-backports main" >"$apt/etc/sources.list"
  cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::Cache "$apt/cache";
Dir::Etc::SourceList "$apt/etc/sources.list";
Dir::Etc::SourceParts "/dev/null";
CONF
  export APT_CONFIG=$apt/apt.conf
  apt-get update --quiet
  package=$(apt-cache madison rust-src | cut -d '|' -f 2 | tr -d ' ' | grep "^$version+" | head -n 1 || true)
  [ -n "$package" ] || die "Debian's backports have no rust-src $version any more; give rustup's: rustup component add rust-src"
  (cd "$apt" && apt-get download --quiet "rust-src=$package")
  unset APT_CONFIG
  mkdir -p "$work/rust-src"
  dpkg-deb --fsys-tarfile "$apt"/rust-src_*.deb | tar -x -C "$work/rust-src" --wildcards "./usr/src/rustc-$version/library*"
fi

# Both variables are for cargo's own use: the first unlocks -Zbuild-std, the second says where the source is.
PATH="$work/tools/bin:$PATH" RUSTC_BOOTSTRAP=1 __CARGO_TESTS_ONLY_SRC_ROOT="$library" \
  CARGO_TARGET_DIR="$work/build" CARGO_ZIGBUILD_CACHE_DIR="$work/zig" ZIG_GLOBAL_CACHE_DIR="$work/zig" \
  cargo zigbuild --release --locked --target aarch64-unknown-linux-gnu.2.34 -Zbuild-std=std,panic_abort --bin ecs-ipv6-targets
binary=$work/build/aarch64-unknown-linux-gnu/release/ecs-ipv6-targets

python3 - "$binary" <<'PYTHON'
import io, sys, zipfile

package = io.BytesIO()
with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    archive.write(sys.argv[1], "bootstrap")
size, most = len(package.getvalue()), 2_500_000
print(f"{size} bytes zipped, {most} at most")
sys.exit(size > most)
PYTHON

# Under qemu, by the tests' own ways to name the binary.
emulated=$work/bootstrap
printf '#!/bin/sh\nexec qemu-aarch64-static -L /usr/aarch64-linux-gnu %s "$@"\n' "$binary" >"$emulated"
chmod +x "$emulated"
BOOTSTRAP=$emulated BOOTSTRAP_ELF=$binary BOOTSTRAP_ARCHITECTURE=arm64 .ci/venv/bin/pytest -q tests/moto

# The Rust tests find the binary where cargo has built it. (Removed first, because it is a link to what cargo keeps.)
debug=${CARGO_TARGET_DIR:-$PWD/target}/debug/ecs-ipv6-targets
executables=()
for test in binary tls warm_up secrets; do
  executables+=("$(cargo test --workspace --no-run --message-format json --test "$test" | python3 -c 'import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and "test" in message["target"]["kind"]:
        print(message["executable"])')")
done
mv "$debug" "$work/native"
trap 'mv -f "$work/native" "$debug"' EXIT
rm -f "$debug"
cp "$emulated" "$debug"
for executable in "${executables[@]}"; do
  # A release has no lines of level TRACE.
  "$executable" --skip trace_shows
done
