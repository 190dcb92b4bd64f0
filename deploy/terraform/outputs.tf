output "function_name" {
  description = "Name of the function, for aws lambda invoke."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "function_role_arn" {
  description = "ARN of the function's role, to be trusted by roles of other accounts."
  value       = aws_iam_role.function.arn
}

output "page_function_arn" {
  description = "ARN of the function behind the status page, for custom widgets of other dashboards; null without a dashboard."
  value       = var.dashboard ? aws_lambda_function.page[0].arn : null
}

output "queue_url" {
  description = "Queue of the events to be processed."
  value       = aws_sqs_queue.this.id
}

output "queue_arn" {
  description = "ARN of that queue, to which failed events can be sent back."
  value       = aws_sqs_queue.this.arn
}

output "dead_letter_queue_url" {
  description = "Dead-letter queue of the events that failed; anything here needs attention."
  value       = aws_sqs_queue.dead_letters.id
}

output "dead_letter_queue_arn" {
  description = "ARN of the dead-letter queue."
  value       = aws_sqs_queue.dead_letters.arn
}

output "rule_name" {
  description = "Name of the EventBridge rule."
  value       = aws_cloudwatch_event_rule.events.name
}

output "rule_arn" {
  description = "ARN of the EventBridge rule."
  value       = aws_cloudwatch_event_rule.events.arn
}

output "stop_rule_name" {
  description = "Name of the EventBridge rule that also sends stops straight to the function."
  value       = aws_cloudwatch_event_rule.stop.name
}

output "deployment_rule_name" {
  description = "Name of the EventBridge rule that sends the beginning of deployments straight to the function; null without holds."
  value       = local.holds ? aws_cloudwatch_event_rule.deployment[0].name : null
}

output "hook_role_arn" {
  description = "ARN of the role by which ECS invokes the function as a deployment lifecycle hook."
  value       = aws_iam_role.hook.arn
}

output "log_group_name" {
  description = "Log group of the function."
  value       = aws_cloudwatch_log_group.this.name
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard; null without one."
  value       = var.dashboard ? aws_cloudwatch_dashboard.this[0].dashboard_name : null
}
