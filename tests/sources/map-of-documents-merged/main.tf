locals {
  policies = {
    billing = data.aws_iam_policy_document.billing.json
    mailer  = data.aws_iam_policy_document.mailer.json
  }
}

data "aws_iam_policy_document" "billing" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "mailer" {
  statement {
    actions   = ["ses:SendEmail", "ses:SendRawEmail"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "each" {
  for_each = merge(local.policies, var.more)
  name     = "${each.key}-access"
  role     = "shop-${each.key}"
  policy   = each.value
}

variable "more" {
  default = {}
}
