# The alarms and the dashboard of template.yaml: both files are derived from it (deploy/derive.py).

locals {
  period  = 60 * max(var.reconcile_minutes, 5) # seconds in which at least one reconcile is due
  watched = { function = aws_lambda_function.this.function_name, queue = aws_sqs_queue.this.name, dead_letter_queue = aws_sqs_queue.dead_letters.name }
  alarms  = { for alarm in jsondecode(file("${path.module}/alarms.json")) : alarm.name => alarm if alarm.only != "hold" || local.holds }
  actions = compact([var.alarm_topic_arn])
  runbook = var.runbook_url == "docs/runbook.md" ? "`${var.runbook_url}` in the repository says what to do." : "[The runbook](${var.runbook_url}) says what to do."
  dashboard = templatefile("${path.module}/dashboard.json.tftpl", merge(local.watched, {
    name      = var.name
    region    = local.region
    page      = var.dashboard ? aws_lambda_function.page[0].arn : ""
    stop_rule = aws_cloudwatch_event_rule.stop.name
    period    = local.period
    alarms    = jsonencode([for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn])
    runbook   = local.runbook
  }))
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = replace(each.value.description, "RUNBOOK", var.runbook_url)
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = { (each.value.dimension) = local.watched[each.value.watched] }
  statistic           = each.value.statistic
  period              = each.value.period == "reconcile" ? local.period : each.value.period
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold == "expected_unowned" ? var.expected_unowned : each.value.threshold
  comparison_operator = each.value.comparison
  treat_missing_data  = each.value.missing
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.dashboard ? 1 : 0

  dashboard_name = "${var.name}-${local.region}"
  dashboard_body = local.dashboard
}
