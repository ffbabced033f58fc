# What is there, and how it is called.

variable "name" {
  description = "Name of the function and of the queue; what else there is begins with it."
  type        = string
  default     = "hlsnap"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,23}$", var.name))
    error_message = "The name is 1 to 24 small letters, digits and hyphens: the bucket's name begins with it."
  }
}

variable "tags" {
  description = "Tags of everything that can have tags."
  type        = map(string)
  default     = {}
}

# The function.

variable "architecture" {
  description = "arm64, which costs a fifth less, or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "package" {
  description = "The zip that script/lambda made; null is target/lambda/hlsnap-ARCHITECTURE.zip."
  type        = string
  default     = null
}

variable "memory" {
  description = "MB. It decides how much CPU there is (a whole one at 1,769 MB) and how many pictures are taken at once (8 at 256 MB)."
  type        = number
  default     = 256

  validation {
    condition     = var.memory >= 128 && var.memory <= 10240
    error_message = "Lambda gives 128 to 10,240 MB."
  }
}

variable "timeout" {
  description = "Seconds that one invocation may take. The queue hides its messages for six times as long."
  type        = number
  default     = 20

  validation {
    condition     = var.timeout >= 3 && var.timeout <= 900
    error_message = "The timeout is 3 to 900 seconds."
  }
}

variable "jobs" {
  description = "HLSNAP_JOBS, pictures at once in one invocation; null: as many as the memory is enough for."
  type        = number
  default     = null
}

variable "reserved_concurrency" {
  description = "Executions at once that are set aside for this function, and its most; -1: none, and the account's most."
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
  description = "Days that the log is kept, of those that CloudWatch knows (1, 3, 5, 7, 14, 30, 60, 90, …)."
  type        = number
  default     = 30
}

variable "settings" {
  description = "More HLSNAP_ variables, such as { HLSNAP_WIDTH = \"640\" } for every request that says nothing else."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : startswith(name, "HLSNAP_")])
    error_message = "Settings begin with HLSNAP_."
  }
}

# Who may ask for what.

variable "allow_hosts" {
  description = "HLSNAP_ALLOW_HOST: the hosts that streams may come from, such as *.example.com. None: any public host, but nothing over HTTP."
  type        = list(string)
  default     = []
}

variable "allow_any" {
  description = "HLSNAP_ALLOW_ANY: whether HTTP requests are answered for any public host, without allow_hosts and without a key."
  type        = bool
  default     = false
}

variable "key_secret_arn" {
  description = "ARN of a secret in Secrets Manager whose text is HLSNAP_KEY, the key that HTTP requests are signed with; null: none."
  type        = string
  default     = null
}

variable "function_url" {
  description = "Whether there is a URL, for callers that sign with IAM."
  type        = bool
  default     = true
}

# Pictures.

variable "bucket" {
  description = "Name of the bucket that is made; null: one that begins with the name."
  type        = string
  default     = null
}

variable "prefix" {
  description = "Begin of every picture's key: the function may write nowhere else."
  type        = string
  default     = "pictures/"

  validation {
    condition     = can(regex("^([A-Za-z0-9_.-]+/)+$", var.prefix))
    error_message = "The prefix ends with a slash and does not begin with one."
  }
}

variable "output" {
  description = "HLSNAP_OUTPUT, where pictures go whose request does not say; null: {host}/{stream}/{now}-{msn}.{ext} below the prefix; \"\": into the answer."
  type        = string
  default     = null
}

variable "expire_days" {
  description = "Days after which pictures are deleted; 0: never."
  type        = number
  default     = 30
}

variable "destroy_pictures" {
  description = "Whether terraform destroy may delete a bucket with pictures in it."
  type        = bool
  default     = false
}

# The queue.

variable "batch_size" {
  description = "Messages of one invocation; those beyond the pictures at once wait for their turn, in the same timeout."
  type        = number
  default     = 8

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10
    error_message = "The batch is 1 to 10 messages."
  }
}

variable "queue_concurrency" {
  description = "Executions at once that the queue may cause: what origins and the account bear."
  type        = number
  default     = 10

  validation {
    condition     = var.queue_concurrency >= 2 && var.queue_concurrency <= 1000
    error_message = "Lambda takes 2 to 1,000."
  }
}

variable "attempts" {
  description = "How often a message is tried before it goes to the dead letters."
  type        = number
  default     = 5
}

variable "drop_permanent" {
  description = "HLSNAP_DROP_PERMANENT: whether messages that can never work (no HLS, not allowed, encrypted, …) are let go instead of tried again."
  type        = bool
  default     = false
}

variable "schedules" {
  description = "Pictures by the clock: a name, which is their folder too, the stream's url, an expression of EventBridge Scheduler, and options."
  type = map(object({
    url        = string
    expression = optional(string, "rate(5 minutes)")
    options    = optional(map(string), {})
  }))
  default = {}
}

# Alarms.

variable "alarm_topics" {
  description = "ARNs of SNS topics that are told of alarms. None: alarms show in CloudWatch alone."
  type        = list(string)
  default     = []
}

variable "alarm_age" {
  description = "Seconds that the oldest message may be old."
  type        = number
  default     = 900
}

variable "alarm_errors" {
  description = "Invocations that may fail in five minutes."
  type        = number
  default     = 0
}

variable "alarm_failures" {
  description = "Pictures that may fail in five minutes."
  type        = number
  default     = 10
}
