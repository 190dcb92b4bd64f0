locals {
  writes         = ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]
  lattice_writes = ["vpc-lattice:RegisterTargets", "vpc-lattice:DeregisterTargets"]
  if_tagged      = { Null = { "aws:ResourceTag/ecs-ipv6-targets:bind" = "false" } }

  # What both functions need to run.
  write_log = {
    Sid      = "WriteLog"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }
  decrypt = [for key in compact([var.kms_key_arn]) : { Sid = "Decrypt", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [key] }]

  statements = concat(
    [for statement in [
      { Sid = "WriteTargets", Effect = "Allow", Action = local.writes, Resource = local.target_groups },
      { Sid = "WriteLatticeTargets", Effect = "Allow", Action = local.lattice_writes, Resource = [for arn in local.target_groups : arn if var.lattice] },
      { Sid = "AssumeRoles", Effect = "Allow", Action = ["sts:AssumeRole"], Resource = local.roles },
    ] : statement if length(statement.Resource) > 0],
    [
      {
        Sid      = "ReceiveEvents"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = [aws_sqs_queue.this.arn]
      },
      local.write_log,
    ],
    # VPC Lattice asks EC2 for these in the name of whoever registers.
    [for actions in [["ec2:DescribeSubnets", "ec2:DescribeVpcs"]] : { Sid = "LookUpVpcForLattice", Effect = "Allow", Action = actions, Resource = ["*"] } if var.lattice],
    local.decrypt,
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

# What a function that reads tags may write: only to target groups whose owners opted in.
resource "aws_iam_role_policy" "tags" {
  count = local.discovers ? 1 : 0

  name = "tags"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "WriteTaggedTargets"
        Effect    = "Allow"
        Action    = local.writes
        Resource  = ["arn:${local.partition}:elasticloadbalancing:${local.region}:${local.account}:targetgroup/*/*"]
        Condition = local.if_tagged
      },
    ]
  })
}

# Likewise, to those of VPC Lattice.
resource "aws_iam_role_policy" "lattice_tags" {
  count = local.discovers && var.lattice ? 1 : 0

  name = "lattice-tags"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "WriteTaggedLatticeTargets"
        Effect    = "Allow"
        Action    = local.lattice_writes
        Resource  = ["arn:${local.partition}:vpc-lattice:${local.region}:${local.account}:targetgroup/*"]
        Condition = local.if_tagged
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
    Version   = "2012-10-17"
    Statement = [{ Sid = "HoldTasks", Effect = "Allow", Action = ["ecs:UpdateTaskProtection"], Resource = local.tasks }]
  })
}

# Lambda may connect the functions to a VPC; their code may not. It may do ec2:DescribeSubnets, which doctor and VPC Lattice need.
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
        Sid    = "KeepCodeFromIt"
        Effect = "Deny"
        Action = [
          "ec2:CreateNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DeleteNetworkInterface",
          "ec2:AssignPrivateIpAddresses",
          "ec2:UnassignPrivateIpAddresses",
        ]
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
