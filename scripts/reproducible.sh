#!/usr/bin/env bash
# Builds the package of the last commit twice, in two folders and with two CARGO_HOMEs, and compares the two. Takes
# two release builds; needs what scripts/package.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for folder in one another/and-deeper; do
  mkdir -p "$scratch/$folder"
  git archive HEAD | tar -x -C "$scratch/$folder"
  mkdir "$scratch/$folder/cargo-home"
  [ ! -e "${CARGO_HOME:-$HOME/.cargo}/config.toml" ] || cp "${CARGO_HOME:-$HOME/.cargo}/config.toml" "$scratch/$folder/cargo-home/"
  echo "== $folder"
  env -u CARGO_TARGET_DIR CARGO_HOME="$scratch/$folder/cargo-home" "$scratch/$folder/scripts/package.sh"
done

cmp "$scratch"/one/target/lambda/ecs-ipv6-targets/bootstrap "$scratch"/another/and-deeper/target/lambda/ecs-ipv6-targets/bootstrap
cmp "$scratch"/one/target/package/*.zip "$scratch"/another/and-deeper/target/package/*.zip
echo "both packages are the same"
