# The function, its role, log and URL.

resource "aws_lambda_function" "hlsnap" {
  #checkov:skip=CKV_AWS_115: a new account has 10 concurrent executions in all and can reserve none; var.reserved_concurrency sets it, and the queue has its own limit
  #checkov:skip=CKV_AWS_117: streams are on the internet, which a function in a VPC reaches only through a NAT gateway
  #checkov:skip=CKV_AWS_173: Lambda encrypts variables at rest with its own key; a customer key has a monthly cost
  #checkov:skip=CKV_AWS_272: the deployer builds the package; source_code_hash contains its hash
  #checkov:skip=CKV_AWS_50: var.xray turns it on: each trace has a cost
  function_name = var.name
  description   = "A still picture out of any HLS stream"

  filename         = local.package
  source_code_hash = filebase64sha256(local.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]

  memory_size                    = var.memory
  timeout                        = var.timeout
  reserved_concurrent_executions = var.reserved_concurrency
  role                           = aws_iam_role.function.arn

  environment {
    variables = local.environment
  }

  # For asynchronous invocations, after Lambda's own two retries.
  dead_letter_config {
    target_arn = aws_sqs_queue.dead.arn
  }

  # The program already logs JSON.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function.name
  }

  tracing_config {
    mode = var.xray ? "Active" : "PassThrough"
  }

  tags = var.tags

  # Without the policy the first invocations would fail without a log.
  depends_on = [aws_iam_role_policy.function]
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158: CloudWatch encrypts logs at rest with its own key, and URLs in them are redacted
  #checkov:skip=CKV_AWS_338: failures are investigated within days; var.log_days keeps logs longer
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_days
  tags              = var.tags
}

data "aws_iam_policy_document" "function_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name_prefix        = "${var.name}-function-"
  assume_role_policy = data.aws_iam_policy_document.function_trust.json
  tags               = var.tags
}

data "aws_iam_policy_document" "function" {
  #checkov:skip=CKV_AWS_356: X-Ray's two actions support no resources; all others name theirs
  statement {
    sid       = "WritePictures"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.pictures.arn}/${var.prefix}*"]
  }

  statement {
    sid       = "TakeRequests"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.requests.arn]
  }

  statement {
    sid       = "SetAsideFailures"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead.arn]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }

  dynamic "statement" {
    for_each = var.xray ? [1] : []

    content {
      sid       = "Trace"
      actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "function" {
  name   = "hlsnap"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.function.json
}

resource "aws_lambda_function_url" "hlsnap" {
  count              = var.function_url ? 1 : 0
  function_name      = aws_lambda_function.hlsnap.function_name
  authorization_type = "AWS_IAM"
}
