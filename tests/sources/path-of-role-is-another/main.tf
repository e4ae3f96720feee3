resource "aws_iam_role_policy" "app" {
  name   = "objects"
  role   = aws_iam_role.app.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "arn:aws:s3:::shop-assets/*" }]
  })
}

resource "aws_iam_role" "app" {
  name = "shop-app"
  path = "/team-a/"
}
