locals {
  apps = {
    cart    = { bucket = "shop-carts" }
    invoice = { bucket = "shop-invoices" }
  }
}

data "aws_iam_policy_document" "app" {
  for_each = local.apps

  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["arn:aws:s3:::${each.value.bucket}/*"]
  }
}

resource "aws_iam_role_policy" "app" {
  for_each = local.apps

  name   = "objects"
  role   = aws_iam_role.app[each.key].id
  policy = data.aws_iam_policy_document.app[each.key].json
}

resource "aws_iam_role" "app" {
  for_each           = local.apps
  name               = "shop-${each.key}"
  assume_role_policy = "{}"
}
