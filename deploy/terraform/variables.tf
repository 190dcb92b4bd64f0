# The names, meanings and defaults of template.yaml's parameters, in snake case.

variable "name" {
  description = "Name of the function, and base of the names of everything else."
  type        = string
  default     = "ecs-ipv6-targets"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.name))
    error_message = "name must be 1 to 48 letters, digits, hyphens or underscores."
  }
}

variable "package" {
  description = "Path of the function's zip, bootstrap-arm64.zip or bootstrap-x86_64.zip of a release."
  type        = string
}

variable "bindings" {
  description = "Whose tasks are registered where: a service, or a family of standalone tasks, of a cluster (name or ARN); port is the target group's own if left out. role_arn, external_id: for a target group of another account. zone: \"all\" for a peered VPC."
  type = list(object({
    cluster          = string
    service          = optional(string)
    family           = optional(string)
    target_group_arn = string
    port             = optional(number)
    hold             = optional(bool)
    role_arn         = optional(string)
    external_id      = optional(string)
    zone             = optional(string)
  }))
  default = []

  validation {
    condition     = length(var.bindings) > 0 || var.discover == "tags"
    error_message = "Give bindings, or discover = \"tags\"."
  }
  validation {
    condition     = alltrue([for binding in var.bindings : (binding.service == null) != (binding.family == null)])
    error_message = "Each binding needs either service or family."
  }
  validation {
    condition     = alltrue([for binding in var.bindings : can(regex("^arn:[a-z-]+:(elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]+|vpc-lattice:[a-z0-9-]+:[0-9]{12}:targetgroup/tg-[0-9a-z]{17})$", binding.target_group_arn))])
    error_message = "target_group_arn must be the ARN of a target group, arn:…:targetgroup/NAME/ID, or of VPC Lattice, arn:…:targetgroup/tg-ID."
  }
  validation {
    condition     = alltrue([for port in [for binding in var.bindings : coalesce(binding.port, 1)] : port >= 1 && port <= 65535 && floor(port) == port])
    error_message = "port must be a whole number from 1 to 65535."
  }
  validation {
    condition     = alltrue([for binding in var.bindings : binding.external_id == null || binding.role_arn != null])
    error_message = "external_id needs role_arn."
  }
  validation {
    condition     = alltrue([for binding in var.bindings : !strcontains(binding.target_group_arn, ":vpc-lattice:") || (binding.role_arn == null && binding.zone == null)])
    error_message = "A target group of VPC Lattice takes neither role_arn nor zone."
  }
  validation {
    condition     = var.lattice || alltrue([for binding in var.bindings : !strcontains(binding.target_group_arn, ":vpc-lattice:")])
    error_message = "Target groups of VPC Lattice need lattice = true."
  }
  validation {
    condition     = !var.lattice || var.discover == "tags" || anytrue([for binding in var.bindings : binding.role_arn == null])
    error_message = "lattice needs a binding without role_arn, or discover."
  }
  validation {
    condition     = alltrue([for binding in var.bindings : can(regex("^(arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:cluster/)?[A-Za-z0-9_-]{1,255}$", binding.cluster))])
    error_message = "cluster must be the name or the ARN of a cluster."
  }
  validation {
    condition     = alltrue([for binding in var.bindings : binding.service == null || can(regex("^[A-Za-z0-9_-]{1,255}$", binding.service))])
    error_message = "service must be the name of a service."
  }
  validation {
    condition     = alltrue([for binding in var.bindings : binding.role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=.@/-]+$", binding.role_arn))])
    error_message = "role_arn must be the ARN of a role."
  }
}

variable "discover" {
  description = "\"tags\": serve every target group of this account and region that has the tag ecs-ipv6-targets:bind as well."
  type        = string
  default     = ""

  validation {
    condition     = contains(["", "tags"], var.discover)
    error_message = "discover can only be \"tags\"."
  }
  validation {
    condition     = var.discover == "" || (var.prune != "all" && var.reconcile_minutes == 1)
    error_message = "discover goes with neither prune = \"all\" nor another reconcile_minutes than 1."
  }
}

variable "prune" {
  description = "What a reconcile may remove: addresses of stopped tasks of a bound service (proven), every target that no serving task explains (all), nothing (never)."
  type        = string
  default     = "proven"

  validation {
    condition     = contains(["proven", "all", "never"], var.prune)
    error_message = "prune must be proven, all or never."
  }
}

variable "dry_run" {
  description = "If true, the function decides, reports and logs, but writes nothing."
  type        = bool
  default     = false
}

variable "reconcile_minutes" {
  description = "Minutes from one reconcile to the next. A reconcile repairs what events missed."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 5, 15, 60], var.reconcile_minutes)
    error_message = "reconcile_minutes must be 1, 5, 15 or 60."
  }
}

variable "hold_minutes" {
  description = "Longest time in minutes for which a deployment keeps old tasks until the targets of the new ones are healthy; 0 keeps none."
  type        = number
  default     = 0

  validation {
    condition     = var.hold_minutes >= 0 && var.hold_minutes <= 2880 && floor(var.hold_minutes) == var.hold_minutes
    error_message = "hold_minutes must be a whole number from 0 to 2880."
  }
  validation {
    condition     = var.hold_minutes == 0 || var.reconcile_minutes == 1
    error_message = "hold_minutes needs reconcile_minutes = 1, because it is the reconcile that lets old tasks go."
  }
}

variable "lattice" {
  description = "If true, the function may also change target groups of VPC Lattice: those of the bindings, and with discover the tagged ones."
  type        = bool
  default     = false
}

variable "alarm_topic_arn" {
  description = "SNS topic that is notified when alarms begin and end; null for no actions."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_topic_arn == null || can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", var.alarm_topic_arn))
    error_message = "alarm_topic_arn must be the ARN of an SNS topic."
  }
}

variable "runbook_url" {
  description = "URL of your copy of docs/runbook.md; every alarm names its entry there."
  type        = string
  default     = "docs/runbook.md"

  validation {
    condition     = can(regex("^[A-Za-z0-9._~:/?&=%@+-]{1,300}$", var.runbook_url))
    error_message = "runbook_url must be a URL of at most 300 characters, without an anchor."
  }
}

variable "expected_unowned" {
  description = "How many targets others register in the groups on purpose; more raise the alarm unowned."
  type        = number
  default     = 0

  validation {
    condition     = var.expected_unowned >= 0
    error_message = "expected_unowned must not be negative."
  }
}

variable "dashboard" {
  description = "Whether to create a CloudWatch dashboard, and the function behind the status page on it."
  type        = bool
  default     = true
}

variable "log_level" {
  description = "Least severe level that the function logs."
  type        = string
  default     = "INFO"

  validation {
    # Metrics are log lines without a level, which Lambda takes for INFO and drops above.
    condition     = contains(["TRACE", "DEBUG", "INFO"], var.log_level)
    error_message = "log_level must be TRACE, DEBUG or INFO."
  }
}

variable "log_retention_days" {
  description = "Days for which the log is kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a number that CloudWatch Logs takes, such as 30 or 365."
  }
}

variable "architecture" {
  description = "Processor architecture of the function; the package must match it."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "subnet_ids" {
  description = "Subnets of the function, which needs no VPC; empty for none."
  type        = list(string)
  default     = []

  validation {
    condition     = (length(var.subnet_ids) > 0) == (length(var.security_group_ids) > 0)
    error_message = "subnet_ids and security_group_ids need each other."
  }
  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "subnet_ids must be the IDs of subnets."
  }
}

variable "security_group_ids" {
  description = "With subnet_ids, the function's security groups, which must allow outbound HTTPS."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.security_group_ids : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "security_group_ids must be the IDs of security groups."
  }
}

variable "use_dual_stack_endpoints" {
  description = "If true, the function calls AWS's dual-stack endpoints: for subnets without IPv4 Internet access."
  type        = bool
  default     = false
}

variable "permissions_boundary" {
  description = "ARN of the managed policy that bounds the roles; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+$", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a managed policy."
  }
}

variable "role_path" {
  description = "Path of the roles and the managed policy."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/([A-Za-z0-9_+=,.@-]+/)*$", var.role_path))
    error_message = "role_path must begin and end with a slash."
  }
}

variable "kms_key_arn" {
  description = "KMS key for queues, log group and environment; null for keys of AWS. Its policy must let EventBridge and CloudWatch Logs use it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, not of an alias."
  }
}

variable "reserved_concurrency" {
  description = "Concurrency that is reserved for the function, at least 5; null for what the account has left."
  type        = number
  default     = null

  validation {
    condition     = can(regex("^([5-9]|[1-9][0-9]{1,3})$", coalesce(var.reserved_concurrency, 5)))
    error_message = "reserved_concurrency must be a whole number from 5 to 9999."
  }
}
