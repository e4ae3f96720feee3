data "aws_iam_policy_document" "app" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }

  dynamic "statement" {
    for_each = var.queues
    content {
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
