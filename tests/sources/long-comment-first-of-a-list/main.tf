resource "aws_iam_policy" "app" {
  name = "shop-app"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = [/* p */ "s3:PutObject", "s3:GetObject" /* g */, /* l */ "s3:ListBucket"], Resource = "*" }]
  })
}
