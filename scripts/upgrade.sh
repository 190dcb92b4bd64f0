#!/usr/bin/env bash
# Runs an earlier version of the function beside the present one, as during an upgrade or a rollback: two instances share
# one queue, in every mix and with reconciles of either, while calls fail (`cargo load`, docs/reliability.md).
# usage: scripts/upgrade.sh [COMMIT [ARGUMENTS OF cargo load]]    COMMIT is the newest release, if none is given
set -euo pipefail
cd "$(dirname "$0")/.."

commit=${1:-$(git describe --tags --abbrev=0 2>/dev/null || true)}
if [ -z "$commit" ]; then
  echo "there is no release yet: name a commit" >&2
  exit 2
fi
shift $(($# > 0))
commit=$(git rev-parse --verify --short "$commit^{commit}")

work=$PWD/target/upgrade
rm -rf "$work/source"
mkdir -p "$work/source"
git archive "$commit" | tar -x -C "$work/source"
cargo build --locked --manifest-path "$work/source/Cargo.toml" --target-dir "$work/build" --bin ecs-ipv6-targets
echo "$commit beside $(git describe --always --dirty):"
cargo bench --profile dev --bench load -- --beside "$work/build/debug/ecs-ipv6-targets" "$@"
