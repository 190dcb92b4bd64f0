locals {
  tasks    = local.discovers ? ["${local.ecs}:task/*"] : [for cluster in local.clusters : "${local.ecs}:task/${cluster}/*"]
  services = local.discovers ? ["${local.ecs}:service/*"] : [for cluster in local.clusters : "${local.ecs}:service/${cluster}/${local.only == "" ? "*" : local.only}"]
  writes   = ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]

  statements = concat(
    [for statement in [
      { Sid = "WriteTargets", Effect = "Allow", Action = local.writes, Resource = local.target_groups },
      { Sid = "AssumeRoles", Effect = "Allow", Action = ["sts:AssumeRole"], Resource = local.roles },
    ] : statement if length(statement.Resource) > 0],
    [
      {
        Sid      = "ReadTargetGroups"
        Effect   = "Allow"
        Action   = ["elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth"]
        Resource = ["*"]
      },
      {
        Sid    = "ExamineLoadBalancers"
        Effect = "Allow"
        Action = [
          "elasticloadbalancing:DescribeAccountLimits",
          "elasticloadbalancing:DescribeListeners",
          "elasticloadbalancing:DescribeLoadBalancerAttributes",
          "elasticloadbalancing:DescribeLoadBalancers",
          "elasticloadbalancing:DescribeRules",
          "elasticloadbalancing:DescribeTargetGroupAttributes",
          "ecs:DescribeTaskDefinition",
        ]
        Resource = ["*"]
      },
      { Sid = "ExamineServices", Effect = "Allow", Action = ["ecs:DescribeServices"], Resource = local.services },
      { Sid = "ReadTasks", Effect = "Allow", Action = ["ecs:DescribeTasks"], Resource = local.tasks },
      {
        Sid       = "ListTasks"
        Effect    = "Allow"
        Action    = ["ecs:ListTasks"]
        Resource  = ["*"]
        Condition = { ArnEquals = { "ecs:cluster" = local.discovers ? ["${local.ecs}:cluster/*"] : local.cluster_arns } }
      },
      {
        Sid      = "ReceiveEvents"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = [aws_sqs_queue.this.arn]
      },
      {
        Sid      = "WriteLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
      },
    ],
    [for key in compact([var.kms_key_arn]) : { Sid = "Decrypt", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [key] }],
  )
}

resource "aws_iam_role" "function" {
  name                 = var.name
  path                 = var.role_path
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "function" {
  name   = "function"
  role   = aws_iam_role.function.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

# What a function that reads tags may do beside that: it can write only to target groups whose owners opted in.
resource "aws_iam_role_policy" "tags" {
  count = local.discovers ? 1 : 0

  name = "tags"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "ReadTags", Effect = "Allow", Action = ["tag:GetResources"], Resource = ["*"] },
      {
        Sid       = "WriteTaggedTargets"
        Effect    = "Allow"
        Action    = local.writes
        Resource  = ["arn:${local.partition}:elasticloadbalancing:${local.region}:${local.account}:targetgroup/*/*"]
        Condition = { Null = { "aws:ResourceTag/ecs-ipv6-targets:bind" = "false" } }
      },
    ]
  })
}

# What a function that holds deployments may do beside that.
resource "aws_iam_role_policy" "hold" {
  count = local.holds ? 1 : 0

  name = "hold"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "HoldTasks", Effect = "Allow", Action = ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"], Resource = local.tasks },
    ]
  })
}

# Lambda may connect the function to a VPC; its code may not.
resource "aws_iam_policy" "vpc" {
  count = local.in_vpc ? 1 : 0

  name = "${var.name}-vpc"
  path = var.role_path
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ConnectToVpc"
        Effect = "Allow"
        Action = [
          "ec2:CreateNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSubnets",
          "ec2:DeleteNetworkInterface",
          "ec2:AssignPrivateIpAddresses",
          "ec2:UnassignPrivateIpAddresses",
        ]
        Resource = ["*"]
      },
      {
        Sid       = "KeepCodeFromIt"
        Effect    = "Deny"
        Action    = ["ec2:*"]
        Resource  = ["*"]
        Condition = { ArnLike = { "lambda:SourceFunctionArn" = "arn:${local.partition}:lambda:*:*:function:*" } }
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "vpc" {
  count = local.in_vpc ? 1 : 0

  role       = aws_iam_role.function.name
  policy_arn = aws_iam_policy.vpc[0].arn
}

# ECS assumes it to invoke the function as a deployment lifecycle hook.
resource "aws_iam_role" "hook" {
  name                 = "${var.name}-hook"
  path                 = var.role_path
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "ecs.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "hook" {
  name = "hook"
  role = aws_iam_role.hook.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "AskTheFunction", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = [aws_lambda_function.this.arn] }]
  })
}
