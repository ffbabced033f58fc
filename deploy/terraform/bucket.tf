# The bucket for pictures.

resource "aws_s3_bucket" "pictures" {
  #checkov:skip=CKV_AWS_18: an access log needs a second bucket: the owner of the account decides
  #checkov:skip=CKV_AWS_21: new pictures replace lost ones: old versions would only cost
  #checkov:skip=CKV_AWS_144: new pictures replace lost ones
  #checkov:skip=CKV_AWS_145: S3 encrypts with its own keys (SSE-S3), which has no cost per picture
  #checkov:skip=CKV2_AWS_62: nothing here consumes events; add a notification if something does
  bucket        = var.bucket
  bucket_prefix = var.bucket == null ? "${var.name}-" : null
  force_destroy = var.destroy_pictures
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "pictures" {
  bucket                  = aws_s3_bucket.pictures.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "pictures" {
  bucket = aws_s3_bucket.pictures.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "pictures" {
  bucket = aws_s3_bucket.pictures.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "pictures" {
  bucket = aws_s3_bucket.pictures.id

  rule {
    id     = "expire"
    status = var.expire_days == 0 ? "Disabled" : "Enabled"

    filter {
      prefix = var.prefix
    }

    expiration {
      days = max(var.expire_days, 1)
    }
  }

  rule {
    id     = "abandoned-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "tls_only" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.pictures.arn, "${aws_s3_bucket.pictures.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "pictures" {
  bucket = aws_s3_bucket.pictures.id
  policy = data.aws_iam_policy_document.tls_only.json

  # S3 refuses to set a policy and an access block at the same time.
  depends_on = [aws_s3_bucket_public_access_block.pictures]
}
