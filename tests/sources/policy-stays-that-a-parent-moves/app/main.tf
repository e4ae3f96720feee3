resource "aws_iam_policy" "old" {
  name = "shop-old"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:PutObject"], Resource = "arn:aws:s3:::shop-assets/*" }]
  })
}

resource "aws_sqs_queue" "orders" {
  name = "orders"
}
