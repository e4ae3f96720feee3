locals {
  statements = [
    {
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = ["arn:aws:s3:::shop-assets", "arn:aws:s3:::shop-assets/*"]
    },
    {
      Sid      = "Logs"
      Effect   = "Allow"
      Action   = ["logs:PutLogEvents", "logs:CreateLogGroup"]
      Resource = "*"
    },
  ]
}

resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.statements
  })
}
