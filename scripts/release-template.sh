#!/usr/bin/env bash
# Prints template.yaml for a package that is already in a bucket: the functions' code is CodeBucket and CodeKey, two more
# parameters, in place of this folder. What is deployed is otherwise the same, and nothing is built.
set -euo pipefail
cd "$(dirname "$0")/.."

built='^      CodeUri: \.$'
grep -q "$built" template.yaml || {
  echo "template.yaml has no line that matches $built" >&2
  exit 1
}
sed -e "s|$built|      CodeUri: { Bucket: !Ref CodeBucket, Key: !Ref CodeKey }|" -e '/^Parameters:$/r /dev/stdin' template.yaml <<'YAML'
  CodeBucket:
    Type: String
    AllowedPattern: "^[a-z0-9.-]{3,63}$"
    ConstraintDescription: must be the name of a bucket.
    Description: Bucket in this region that holds the released package.
  CodeKey:
    Type: String
    AllowedPattern: "^.{1,1024}$"
    ConstraintDescription: must be the key of an object.
    Description: Key of the released package in CodeBucket, bootstrap-arm64.zip or bootstrap-x86_64.zip. Another version needs another key.
YAML
