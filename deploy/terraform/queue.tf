# Asynchronous requests: the queue, its dead-letter queue, and schedules.

resource "aws_sqs_queue" "requests" {
  name                    = var.name
  sqs_managed_sse_enabled = true

  # AWS recommends six times the function's timeout, so that a throttled batch is not delivered twice.
  visibility_timeout_seconds = 6 * var.timeout
  message_retention_seconds  = 4 * 24 * 3600

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = var.attempts
  })

  tags = var.tags
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 14 * 24 * 3600
  tags                      = var.tags
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.requests.arn]
  })
}

resource "aws_lambda_event_source_mapping" "requests" {
  event_source_arn        = aws_sqs_queue.requests.arn
  function_name           = aws_lambda_function.hlsnap.arn
  batch_size              = var.batch_size
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.queue_concurrency
  }
}

# Schedules use the queue, so its retries, concurrency limit and dead-letter queue apply.
resource "aws_scheduler_schedule" "snapshot" {
  #checkov:skip=CKV_AWS_297: Scheduler encrypts with its own key; for a URL with a token use a customer key, or no schedule
  for_each = var.schedules

  name                = "${var.name}-${each.key}"
  schedule_expression = each.value.expression

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sqs_queue.requests.arn
    role_arn = one(aws_iam_role.scheduler[*].arn)

    input = jsonencode(merge(
      { url = each.value.url, output = "${local.pictures}${each.key}/{now}.{ext}" },
      each.value.options,
    ))
  }
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "scheduler_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    # Schedules of other accounts must not assume the role.
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "scheduler" {
  count              = length(var.schedules) > 0 ? 1 : 0
  name_prefix        = "${var.name}-scheduler-"
  assume_role_policy = data.aws_iam_policy_document.scheduler_trust.json
  tags               = var.tags
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.requests.arn]
  }
}

resource "aws_iam_role_policy" "scheduler" {
  count  = length(var.schedules) > 0 ? 1 : 0
  name   = "hlsnap"
  role   = one(aws_iam_role.scheduler[*].id)
  policy = data.aws_iam_policy_document.scheduler.json
}
