# hlsnap on AWS Lambda: function, bucket, queue with dead letters, URL, schedules, alarms. See deploy/README.md.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40, < 7.0"
    }
  }
}

locals {
  package = coalesce(var.package, "${path.module}/../../target/lambda/hlsnap-${var.architecture}.zip")

  # The role may write only below this prefix.
  pictures = "s3://${aws_s3_bucket.pictures.bucket}/${var.prefix}"

  # "" is a valid value: responses then contain the picture.
  output = var.output == null ? "${local.pictures}{host}/{stream}/{now}-{msn}.{ext}" : var.output

  # An empty variable counts as unset.
  environment = merge(
    {
      HLSNAP_OUTPUT         = local.output
      HLSNAP_ALLOW_OUTPUT   = "${local.pictures}*"
      HLSNAP_ALLOW_HOST     = join(",", var.allow_hosts)
      HLSNAP_ALLOW_ANY      = tostring(var.allow_any)
      HLSNAP_DROP_PERMANENT = tostring(var.drop_permanent)
      HLSNAP_JOBS           = var.jobs == null ? "" : tostring(var.jobs)
      HLSNAP_LOG            = var.log_level
    },
    { for secret in data.aws_secretsmanager_secret_version.key : "HLSNAP_KEY" => secret.secret_string },
    var.settings,
  )
}

# Read at deployment, so the function does not fetch it at start. Terraform's state contains it.
data "aws_secretsmanager_secret_version" "key" {
  count     = var.key_secret_arn == null ? 0 : 1
  secret_id = var.key_secret_arn
}
