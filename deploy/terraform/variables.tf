# Names.

variable "name" {
  description = "Name of the function and of the queue, and prefix of all other names."
  type        = string
  default     = "hlsnap"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,23}$", var.name))
    error_message = "The name must be 1 to 24 lower-case letters, digits and hyphens, because the bucket's name begins with it."
  }
}

variable "tags" {
  description = "Tags of all resources that support tags."
  type        = map(string)
  default     = {}
}

# The function.

variable "architecture" {
  description = "arm64 (a fifth cheaper) or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture must be arm64 or x86_64."
  }
}

variable "package" {
  description = "The zip of script/lambda; null: target/lambda/hlsnap-ARCHITECTURE.zip."
  type        = string
  default     = null
}

variable "memory" {
  description = "Memory in MB. Determines the CPU share (a full CPU at 1,769 MB) and the number of pictures at a time (8 at 256 MB)."
  type        = number
  default     = 256

  validation {
    condition     = var.memory >= 128 && var.memory <= 10240
    error_message = "Lambda supports 128 to 10,240 MB."
  }
}

variable "timeout" {
  description = "Timeout of one invocation in seconds. The visibility timeout of the queue is six times as long."
  type        = number
  default     = 20

  validation {
    condition     = var.timeout >= 3 && var.timeout <= 900
    error_message = "The timeout must be 3 to 900 seconds."
  }
}

variable "jobs" {
  description = "HLSNAP_JOBS, pictures at a time in one invocation; null: as many as fit into the memory."
  type        = number
  default     = null
}

variable "reserved_concurrency" {
  description = "Concurrency reserved for this function, which is also its limit; -1: none reserved, and the limit of the account."
  type        = number
  default     = -1
}

variable "xray" {
  description = "Whether X-Ray traces invocations."
  type        = bool
  default     = false
}

variable "log_level" {
  description = "HLSNAP_LOG: error, warn, info or debug."
  type        = string
  default     = "info"

  validation {
    condition     = contains(["error", "warn", "info", "debug"], var.log_level)
    error_message = "The level is error, warn, info or debug."
  }
}

variable "log_days" {
  description = "Retention of the log in days, one of the values that CloudWatch supports (1, 3, 5, 7, 14, 30, 60, 90, …)."
  type        = number
  default     = 30
}

variable "settings" {
  description = "More HLSNAP_ variables, which set defaults for requests, such as { HLSNAP_WIDTH = \"640\" }."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : startswith(name, "HLSNAP_")])
    error_message = "The names of settings must begin with HLSNAP_."
  }
}

# Access.

variable "allow_hosts" {
  description = "HLSNAP_ALLOW_HOST: allowed hosts of streams, such as *.example.com. Empty: any public host, but no HTTP requests."
  type        = list(string)
  default     = []
}

variable "allow_any" {
  description = "HLSNAP_ALLOW_ANY: whether HTTP requests may use any public host, without allow_hosts and without a key."
  type        = bool
  default     = false
}

variable "key_secret_arn" {
  description = "ARN of a secret in Secrets Manager with HLSNAP_KEY, the key that signs HTTP requests; null: no key."
  type        = string
  default     = null
}

variable "function_url" {
  description = "Whether to create a function URL, for callers that sign with IAM."
  type        = bool
  default     = true
}

# Pictures.

variable "bucket" {
  description = "Name of the bucket; null: a generated name that begins with var.name."
  type        = string
  default     = null
}

variable "prefix" {
  description = "Prefix of every picture's key. The function can write nowhere else."
  type        = string
  default     = "pictures/"

  validation {
    condition     = can(regex("^([A-Za-z0-9_.-]+/)+$", var.prefix))
    error_message = "The prefix must end with a slash and must not begin with one."
  }
}

variable "output" {
  description = "HLSNAP_OUTPUT, the default output; null: {host}/{stream}/{now}-{msn}.{ext} below the prefix; \"\": in the response."
  type        = string
  default     = null
}

variable "expire_days" {
  description = "Days until pictures are deleted; 0: never."
  type        = number
  default     = 30
}

variable "destroy_pictures" {
  description = "Whether terraform destroy may delete a bucket that contains pictures."
  type        = bool
  default     = false
}

# The queue.

variable "batch_size" {
  description = "Messages in one invocation. Those beyond the number of pictures at a time wait, within the same timeout."
  type        = number
  default     = 8

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10
    error_message = "The batch size must be 1 to 10 messages."
  }
}

variable "queue_concurrency" {
  description = "Maximum concurrency of the queue's invocations. Origins and the account must support it."
  type        = number
  default     = 10

  validation {
    condition     = var.queue_concurrency >= 2 && var.queue_concurrency <= 1000
    error_message = "Lambda supports 2 to 1,000."
  }
}

variable "attempts" {
  description = "Attempts before a message goes to the dead-letter queue."
  type        = number
  default     = 5
}

variable "drop_permanent" {
  description = "HLSNAP_DROP_PERMANENT: whether to drop messages that can never succeed (no HLS, not allowed, encrypted, …) instead of retrying them."
  type        = bool
  default     = false
}

variable "schedules" {
  description = "Scheduled pictures: a name, which is also the folder, the stream's url, an EventBridge Scheduler expression, and options."
  type = map(object({
    url        = string
    expression = optional(string, "rate(5 minutes)")
    options    = optional(map(string), {})
  }))
  default = {}
}

# Alarms.

variable "alarm_topics" {
  description = "ARNs of SNS topics for alarms. Empty: alarms appear only in CloudWatch."
  type        = list(string)
  default     = []
}

variable "alarm_age" {
  description = "Maximum age of the oldest message in seconds."
  type        = number
  default     = 900
}

variable "alarm_errors" {
  description = "Failed invocations that are tolerated in five minutes."
  type        = number
  default     = 0
}

variable "alarm_failures" {
  description = "Failed pictures that are tolerated in five minutes."
  type        = number
  default     = 10
}
