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
    condition     = alltrue([for binding in var.bindings : coalesce(binding.port, 1) >= 1 && coalesce(binding.port, 1) <= 65535])
    error_message = "port must be from 1 to 65535."
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
}

variable "runbook_url" {
  description = "URL of your copy of docs/runbook.md; every alarm names its entry there."
  type        = string
  default     = "docs/runbook.md"
}

variable "expected_unowned" {
  description = "How many targets others register in the groups on purpose; more raise the alarm unowned."
  type        = number
  default     = 0
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
}

variable "security_group_ids" {
  description = "With subnet_ids, the function's security groups, which must allow outbound HTTPS."
  type        = list(string)
  default     = []
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
}

variable "role_path" {
  description = "Path of the roles and the managed policy."
  type        = string
  default     = "/"
}

variable "kms_key_arn" {
  description = "KMS key for queues, log group and environment; null for keys of AWS. Its policy must let EventBridge and CloudWatch Logs use it."
  type        = string
  default     = null
}

variable "reserved_concurrency" {
  description = "Concurrency that is reserved for the function, at least 5; null for what the account has left."
  type        = number
  default     = null

  validation {
    condition     = coalesce(var.reserved_concurrency, 5) >= 5
    error_message = "reserved_concurrency must be at least 5."
  }
}
