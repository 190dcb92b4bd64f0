# What template.yaml deploys, which also says why each value is as it is.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  ecs       = "arn:${local.partition}:ecs:${local.region}:${local.account}"

  discovers = var.discover == "tags"
  holds     = var.hold_minutes > 0
  in_vpc    = length(var.subnet_ids) > 0
  # A single service is named in patterns and policies; of several the function filters the events itself.
  only = local.discovers || length(var.bindings) != 1 ? "" : var.bindings[0].service == null ? "" : var.bindings[0].service

  # An ARN stays as it is: the function refuses that of another region.
  arns          = [for binding in var.bindings : strcontains(binding.cluster, "/") ? binding.cluster : "${local.ecs}:cluster/${binding.cluster}"]
  clusters      = distinct([for binding in var.bindings : regex("[^/]*$", binding.cluster)])
  cluster_arns  = distinct(local.arns)
  target_groups = distinct([for binding in var.bindings : binding.target_group_arn if binding.role_arn == null])
  roles         = distinct([for binding in var.bindings : binding.role_arn if binding.role_arn != null])

  bindings = [for index, binding in var.bindings : { for key, value in {
    cluster        = local.arns[index]
    service        = binding.service
    family         = binding.family
    targetGroupArn = binding.target_group_arn
    port           = binding.port
    hold           = binding.hold
    roleArn        = binding.role_arn
    externalId     = binding.external_id
    zone           = binding.zone
  } : key => value if value != null }]

  environment = merge({
    BINDINGS                   = length(var.bindings) > 0 ? jsonencode(local.bindings) : ""
    PRUNE                      = var.prune
    DRY_RUN                    = tostring(var.dry_run)
    HOLD_MINUTES               = tostring(var.hold_minutes)
    AWS_USE_DUALSTACK_ENDPOINT = tostring(var.use_dual_stack_endpoints)
  }, local.discovers ? { DISCOVER = var.discover } : {})
}

resource "aws_lambda_function" "this" {
  function_name                  = var.name
  description                    = "Registers the IPv6 addresses of ECS tasks in target groups"
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)
  handler                        = "bootstrap"
  runtime                        = "provided.al2023"
  architectures                  = [var.architecture]
  memory_size                    = 128
  timeout                        = 30
  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)
  kms_key_arn                    = var.kms_key_arn
  role                           = aws_iam_role.function.arn

  environment {
    variables = local.environment
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = var.log_level
    log_group             = aws_cloudwatch_log_group.this.name
  }

  dynamic "vpc_config" {
    for_each = local.in_vpc ? [1] : []

    content {
      subnet_ids                  = var.subnet_ids
      security_group_ids          = var.security_group_ids
      ipv6_allowed_for_dual_stack = var.use_dual_stack_endpoints
    }
  }

  # Lambda refuses a function whose role may not yet do what its VPC and its log need.
  depends_on = [aws_iam_role_policy.function, aws_iam_role_policy_attachment.vpc]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
