# Alarms.

locals {
  of_function = { FunctionName = aws_lambda_function.hlsnap.function_name }

  alarms = {
    dead-letters = {
      about      = "Requests failed for good and are in the dead-letter queue"
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = aws_sqs_queue.dead.name }
      statistic  = "Maximum"
      above      = 0
    }
    age = {
      about      = "Requests wait too long: raise queue_concurrency or memory"
      namespace  = "AWS/SQS"
      metric     = "ApproximateAgeOfOldestMessage"
      dimensions = { QueueName = aws_sqs_queue.requests.name }
      statistic  = "Maximum"
      above      = var.alarm_age
    }
    errors = {
      about      = "Whole invocations failed"
      namespace  = "AWS/Lambda"
      metric     = "Errors"
      dimensions = local.of_function
      statistic  = "Sum"
      above      = var.alarm_errors
    }
    throttles = {
      about      = "Invocations were throttled: raise the concurrency"
      namespace  = "AWS/Lambda"
      metric     = "Throttles"
      dimensions = local.of_function
      statistic  = "Sum"
      above      = 0
    }
    failures = {
      about      = "Pictures failed: the log says why"
      namespace  = "hlsnap"
      metric     = "Failures"
      dimensions = local.of_function
      statistic  = "Sum"
      above      = var.alarm_failures
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "hlsnap" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.about
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 300
  evaluation_periods  = 1

  # Without requests there is no data.
  treat_missing_data = "notBreaching"

  alarm_actions = var.alarm_topics
  ok_actions    = var.alarm_topics
  tags          = var.tags
}
