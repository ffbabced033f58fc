output "function_name" {
  description = "Name of the function, for aws lambda invoke."
  value       = aws_lambda_function.hlsnap.function_name
}

output "function_arn" {
  description = "ARN of the function, for policies that allow callers to invoke it."
  value       = aws_lambda_function.hlsnap.arn
}

output "function_url" {
  description = "URL for HTTP requests signed with IAM; null without function_url."
  value       = one(aws_lambda_function_url.hlsnap[*].function_url)
}

output "bucket" {
  description = "Bucket of the pictures."
  value       = aws_s3_bucket.pictures.bucket
}

output "queue_url" {
  description = "Queue for asynchronous requests."
  value       = aws_sqs_queue.requests.url
}

output "queue_arn" {
  description = "ARN of the queue, for policies that allow callers to send."
  value       = aws_sqs_queue.requests.arn
}

output "dead_letters_url" {
  description = "Queue of requests that failed for good."
  value       = aws_sqs_queue.dead.url
}
