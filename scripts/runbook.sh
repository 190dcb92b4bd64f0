# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables are for the commands in docs/
# Variables and functions for the commands in docs/runbook.md and docs/operations.md. In bash, with
# AWS CLI v2, from the clone, once per terminal:
#
#   export AWS_REGION=us-east-2 # and AWS_PROFILE, unless it is the default profile
#   STACK=ecs-ipv6-targets      # your stack
#   . scripts/runbook.sh
#
# Source it again after the stack has been recreated: its resources have new names then.

if [[ -z ${AWS_REGION:-} ]]; then
  echo "AWS_REGION is not set; set it to the stack's region" >&2
  return 1
fi
export AWS_REGION
export AWS_DEFAULT_REGION=$AWS_REGION # SAM needs this one
export AWS_PAGER=                     # without a pager, which would wait for a key
STACK=${STACK:-ecs-ipv6-targets}

# output NAME: one of the stack's outputs.
output() {
  aws cloudformation describe-stacks --stack-name "$STACK" \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" --output text
}

# ask plan: shows what a reconcile would do. ask reconcile: does it now.
# ask doctor: checks the setup and names the fixes.
# ask explain TASK: what becomes of one task, by its ARN or id, and why.
ask() {
  local task=${2:+",\"task\":\"$2\""}
  aws lambda invoke --function-name "$FUNCTION" --cli-binary-format raw-in-base64-out \
    --payload "{\"action\":\"$1\"$task}" /dev/stdout
}

# search QUERY: runs CloudWatch Logs Insights over the last three hours, one result per line.
search() {
  local id state=Running
  id=$(aws logs start-query --log-group-name "$LOGS" --start-time $(($(date +%s) - 10800)) \
    --end-time "$(date +%s)" --query-string "$1" --query queryId --output text) || return
  while [[ $state == Scheduled || $state == Running || $state == Unknown ]]; do
    sleep 1
    state=$(aws logs get-query-results --query-id "$id" --query status --output text) || return
  done
  echo "query: $state" # Complete, Failed, Cancelled or Timeout
  aws logs get-query-results --query-id "$id" --output text \
    --query "results[*].[join('  ', [?field!='@ptr'].join('=', [field, value]))]"
}

# targets GROUP_ARN: what is registered there, as register-targets and deregister-targets take it.
targets() {
  aws elbv2 describe-target-health --target-group-arn "$1" --output text \
    --query "TargetHealthDescriptions[].join('', ['Id=', Target.Id, ',Port=', to_string(Target.Port)])"
}

# parameters: the values of the stack's parameters.
parameters() {
  aws cloudformation describe-stacks --stack-name "$STACK" \
    --query "Stacks[0].Parameters[].[ParameterKey, ParameterValue]" --output text
}

# parameter NAME: the value of one parameter.
parameter() {
  aws cloudformation describe-stacks --stack-name "$STACK" \
    --query "Stacks[0].Parameters[?ParameterKey=='$1'].ParameterValue" --output text
}

# set_parameters NAME=VALUE…: changes these parameters of the stack and nothing else.
set_parameters() {
  local setting name value names given=" " changes=()
  for setting in "$@"; do
    name=${setting%%=*} value=${setting#*=}
    value=${value//\\/\\\\}
    changes+=("ParameterKey=$name,ParameterValue=\"${value//\"/\\\"}\"")
    given+="$name "
  done
  names=$(aws cloudformation describe-stacks --stack-name "$STACK" \
    --query "Stacks[0].Parameters[].ParameterKey" --output text) || return
  for name in $names; do
    [[ $given == *" $name "* ]] || changes+=("ParameterKey=$name,UsePreviousValue=true")
  done
  aws cloudformation update-stack --stack-name "$STACK" --use-previous-template \
    --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --parameters "${changes[@]}" &&
    aws cloudformation wait stack-update-complete --stack-name "$STACK"
}

# find_resources: sets the variables that name the stack's resources.
find_resources() {
  local outputs resources name value
  outputs=$(aws cloudformation describe-stacks --stack-name "$STACK" \
    --query "Stacks[0].Outputs[].[OutputKey, OutputValue]" --output text) || return
  resources=$(aws cloudformation list-stack-resources --stack-name "$STACK" \
    --query "StackResourceSummaries[].[LogicalResourceId, PhysicalResourceId]" --output text) || return
  DEPLOYMENTS="" # only with HoldMinutes
  while read -r name value; do
    case $name in
      FunctionName) FUNCTION=$value ;;
      LogGroupName) LOGS=$value ;;
      RuleName) RULE=$value ;;
      StopRuleName) STOPS=$value ;;
      DeploymentRuleName) DEPLOYMENTS=$value ;;
      QueueArn) QUEUE=$value ;;
      QueueUrl) QUEUE_URL=$value ;;
      DeadLetterQueueArn) DEAD_LETTERS=$value ;;
      DeadLetterQueueUrl) DEAD_LETTERS_URL=$value ;;
      FunctionTaskStateChanges) MAPPING=$value ;;
      FunctionReconcile) SCHEDULE=$value ;;
    esac
  done <<<"$outputs"$'\n'"$resources"
}

find_resources
