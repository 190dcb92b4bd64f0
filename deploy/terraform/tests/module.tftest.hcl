# `terraform init && terraform test`, without an account: the provider is mocked.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { region = "us-east-2" }
  }
}

variables {
  package = "tests/package.zip"
  bindings = [{
    cluster          = "demo-cluster"
    service          = "demo-service"
    target_group_arn = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09"
    port             = 8080
  }]
}

run "one_binding" {
  command = plan

  assert {
    condition     = jsondecode(aws_lambda_function.this.environment[0].variables.BINDINGS)[0].cluster == "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster"
    error_message = "A cluster's name becomes its ARN."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 7 && length(aws_iam_role_policy.hold) == 0
    error_message = "Without holds there is no alarm and no policy for them."
  }
}

run "holding" {
  command = plan

  variables {
    hold_minutes = 15
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 8 && length(aws_cloudwatch_event_rule.deployment) == 1
    error_message = "A function that holds hears of deployments."
  }
}

run "nothing_to_do" {
  command = plan

  variables {
    bindings = []
  }

  expect_failures = [var.bindings]
}
