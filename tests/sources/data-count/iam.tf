data "aws_iam_policy_document" "app" {
  count    = var.create ? 1 : 0
  provider = aws.main

  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = [var.bucket_arn, "${var.bucket_arn}/*"]
  }

  lifecycle {
    postcondition {
      condition     = length(self.json) < 6000
      error_message = "too long"
    }
  }
}

resource "aws_iam_policy" "app" {
  count = var.create ? 1 : 0

  name   = "${var.stage}-shop-app"
  policy = join("", data.aws_iam_policy_document.app[*].json)
}

variable "create" {
  default = true
}
variable "bucket_arn" {}
variable "stage" {}
