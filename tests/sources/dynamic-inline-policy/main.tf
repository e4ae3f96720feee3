variable "on" {
  default = true
}

data "aws_iam_policy_document" "billing" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "billing" {
  name = "shop-billing"

  dynamic "inline_policy" {
    for_each = var.on ? [1] : []
    content {
      name   = "billing-access"
      policy = data.aws_iam_policy_document.billing.json
    }
  }
}
