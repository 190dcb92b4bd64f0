# The ways of events to the function.

locals {
  # Clusters of other accounts can have any name; their events may be forwarded to this bus.
  account_of_tasks = local.discovers ? { account = [local.account] } : {}
  tasks_of_interest = merge(
    { group = concat(
      [for kind in ["service:", "family:"] : { prefix = kind } if local.only == ""],
      [for service in compact([local.only]) : "service:${service}"],
    ) },
    local.discovers ? {} : { clusterArn = local.cluster_arns },
  )

  pattern_of_events = merge(local.account_of_tasks, {
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = merge(local.tasks_of_interest, {
      lastStatus    = ["RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]
      desiredStatus = ["RUNNING", "STOPPED"]
    })
  })
  pattern_of_stops = merge(local.account_of_tasks, {
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = merge(local.tasks_of_interest, {
      desiredStatus = ["STOPPED"]
      "$or" = [
        { lastStatus = ["RUNNING", "DEACTIVATING"] },
        {
          lastStatus = ["DEPROVISIONING"]
          stopCode   = [{ exists = false }, { anything-but = ["ServiceSchedulerInitiated", "UserInitiated", "TaskFailedToStart"] }]
        },
      ]
    })
  })
  pattern_of_deployments = {
    source      = ["aws.ecs"]
    detail-type = ["ECS Deployment State Change"]
    account     = [local.account]
    resources = concat(
      [for prefix in ["${local.ecs}:service/"] : { prefix = prefix } if local.only == ""],
      [for name in compact([local.only]) : "${local.ecs}:service/${local.clusters[0]}/${name}"],
      [for name in compact([local.only]) : "${local.ecs}:service/${name}"],
    )
    detail = { eventName = ["SERVICE_DEPLOYMENT_IN_PROGRESS"] }
  }
}

resource "aws_sqs_queue" "this" {
  name                       = var.name
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  kms_master_key_id          = var.kms_key_arn
  message_retention_seconds  = 345600
  visibility_timeout_seconds = 182
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters.arn, maxReceiveCount = 10 })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue_policy" "this" {
  for_each = { this = aws_sqs_queue.this.arn, dead_letters = aws_sqs_queue.dead_letters.arn }

  queue_url = each.key == "this" ? aws_sqs_queue.this.id : aws_sqs_queue.dead_letters.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "SendFromRule"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = ["sqs:SendMessage"]
        Resource  = [each.value]
        Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.events.arn } }
      },
      {
        Sid       = "DenyWithoutTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["sqs:*"]
        Resource  = [each.value]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "events" {
  name          = "${var.name}-events"
  description   = "Sends events of ECS tasks that serve or begin to stop to the queue"
  event_pattern = jsonencode(local.pattern_of_events)
}

resource "aws_cloudwatch_event_target" "events" {
  rule      = aws_cloudwatch_event_rule.events.name
  target_id = "queue"
  arn       = aws_sqs_queue.this.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_lambda_event_source_mapping" "this" {
  function_name                      = aws_lambda_function.this.arn
  event_source_arn                   = aws_sqs_queue.this.arn
  batch_size                         = 1500
  maximum_batching_window_in_seconds = 2
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = 2
  }
}

resource "aws_cloudwatch_event_rule" "stop" {
  name          = "${var.name}-stop"
  description   = "Also sends the first event of a task's stop straight to the function"
  event_pattern = jsonencode(local.pattern_of_stops)
}

resource "aws_cloudwatch_event_target" "stop" {
  rule      = aws_cloudwatch_event_rule.stop.name
  target_id = "function"
  arn       = aws_lambda_function.this.arn

  input_transformer {
    input_template = "{\"copy\": \"queued\", \"event\": <aws.events.event.json>}"
  }

  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 2
  }
}

resource "aws_lambda_permission" "stop" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.stop.arn
}

resource "aws_cloudwatch_event_rule" "deployment" {
  count = local.holds ? 1 : 0

  name          = "${var.name}-deployment"
  description   = "Sends the beginning of a deployment to the function, which keeps old tasks until new targets are healthy"
  event_pattern = jsonencode(local.pattern_of_deployments)
}

resource "aws_cloudwatch_event_target" "deployment" {
  count = local.holds ? 1 : 0

  rule      = aws_cloudwatch_event_rule.deployment[0].name
  target_id = "function"
  arn       = aws_lambda_function.this.arn

  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 2
  }
}

resource "aws_lambda_permission" "deployment" {
  count = local.holds ? 1 : 0

  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.deployment[0].arn
}

resource "aws_cloudwatch_event_rule" "reconcile" {
  name                = "${var.name}-reconcile"
  description         = "Keeps target groups correct even if events were lost"
  schedule_expression = var.reconcile_minutes == 60 ? "rate(1 hour)" : "rate(${var.reconcile_minutes} ${var.reconcile_minutes == 1 ? "minute" : "minutes"})"
}

resource "aws_cloudwatch_event_target" "reconcile" {
  rule      = aws_cloudwatch_event_rule.reconcile.name
  target_id = "function"
  arn       = aws_lambda_function.this.arn
}

resource "aws_lambda_permission" "reconcile" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.reconcile.arn
}
