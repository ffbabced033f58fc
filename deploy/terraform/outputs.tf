output "function_name" {
  description = "The function, for aws lambda invoke."
  value       = aws_lambda_function.hlsnap.function_name
}

output "function_arn" {
  description = "The function, for policies of those who may invoke it."
  value       = aws_lambda_function.hlsnap.arn
}

output "function_url" {
  description = "The HTTP face, for requests signed with IAM; null without one."
  value       = one(aws_lambda_function_url.hlsnap[*].function_url)
}

output "bucket" {
  description = "Where pictures go."
  value       = aws_s3_bucket.pictures.bucket
}

output "queue_url" {
  description = "Where requests that nobody waits for are sent."
  value       = aws_sqs_queue.requests.url
}

output "queue_arn" {
  description = "The same, for policies of those who may send."
  value       = aws_sqs_queue.requests.arn
}

output "dead_letters_url" {
  description = "Requests that could not be done."
  value       = aws_sqs_queue.dead.url
}
