resource "aws_iam_role_policy" "app" {
  name = "app-objects"
  role = aws_iam_role.app.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Objects"
        Effect = "Allow"
        Action = [
          "s3:GetObject", # reads
          "s3:PutObject"  # writes
        ]
        Resource = "${aws_s3_bucket.assets.arn}/*"
      },
      {
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.orders.arn
      },
    ]
  })
}

resource "aws_iam_role" "app" {
  name = "shop-app"
}
