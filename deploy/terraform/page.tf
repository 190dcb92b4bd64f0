# The status page on the dashboard: the same code, by a role that can only read. Who may look at the dashboard may invoke this function and not the other.

resource "aws_lambda_function" "page" {
  count = var.dashboard ? 1 : 0

  function_name    = "${var.name}-page"
  description      = "Shows what the function serves, on the dashboard"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  memory_size      = 256 # people wait for it
  timeout          = 20
  kms_key_arn      = var.kms_key_arn
  role             = aws_iam_role.page[0].arn

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

  depends_on = [aws_iam_role_policy.page_log, aws_iam_role_policy_attachment.page_vpc]
}

resource "aws_iam_role" "page" {
  count = var.dashboard ? 1 : 0

  name                 = "${var.name}-page"
  path                 = var.role_path
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "page_log" {
  count = var.dashboard ? 1 : 0

  name   = "log"
  role   = aws_iam_role.page[0].id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat([local.write_log], local.decrypt) })
}

resource "aws_iam_role_policy_attachment" "page_vpc" {
  count = var.dashboard && local.in_vpc ? 1 : 0

  role       = aws_iam_role.page[0].name
  policy_arn = aws_iam_policy.vpc[0].arn
}
