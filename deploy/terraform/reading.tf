# What both functions may read, by the names of its policies. The one behind the status page may do nothing else.

locals {
  tasks    = local.discovers ? ["${local.ecs}:task/*"] : [for cluster in local.clusters : "${local.ecs}:task/${cluster}/*"]
  services = local.discovers ? ["${local.ecs}:service/*"] : [for cluster in local.clusters : "${local.ecs}:service/${cluster}/${local.only == "" ? "*" : local.only}"]
  lattice  = local.discovers ? ["arn:${local.partition}:vpc-lattice:${local.region}:${local.account}:targetgroup/*"] : local.target_groups

  reads = { for name, statements in {
    read = [
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
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
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
    ]
    read-lattice = [for actions in [["vpc-lattice:ListTargets", "vpc-lattice:GetTargetGroup"]] :
      { Sid = "ReadLatticeTargets", Effect = "Allow", Action = actions, Resource = local.lattice } if var.lattice
    ]
    read-tags = [for actions in [["tag:GetResources"]] :
      { Sid = "ReadTags", Effect = "Allow", Action = actions, Resource = ["*"] } if local.discovers
    ]
    read-protection = [for actions in [["ecs:GetTaskProtection"]] :
      { Sid = "ReadProtection", Effect = "Allow", Action = actions, Resource = local.tasks } if local.holds
    ]
  } : name => jsonencode({ Version = "2012-10-17", Statement = statements }) if length(statements) > 0 }
}

resource "aws_iam_role_policy" "read" {
  for_each = local.reads

  name   = each.key
  role   = aws_iam_role.function.id
  policy = each.value
}

resource "aws_iam_role_policy" "page_read" {
  for_each = { for name, policy in local.reads : name => policy if var.dashboard }

  name   = each.key
  role   = aws_iam_role.page[0].id
  policy = each.value
}
