data "aws_iam_policy_document" "app" {
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }

  # Uploads were moved to the importer.
  statement {
    sid       = "Write"
    actions   = ["s3:PutObject"] # since 2019
    resources = ["arn:aws:s3:::shop-assets/*"]
  }

  # The queue of orders.
  statement {
    sid       = "Queue"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.orders.arn]
  }
}

resource "aws_iam_policy" "app" {
  name_prefix = "shop-app-"
  policy      = data.aws_iam_policy_document.app.minified_json
}

resource "aws_sqs_queue" "orders" {
  name = "orders"
}
