data "aws_iam_policy_document" "app" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]

    dynamic "condition" {
      for_each = var.regions
      content {
        test     = "StringEquals"
        variable = "aws:RequestedRegion"
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
