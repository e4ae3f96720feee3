resource "aws_iam_role" "app" {
  name               = "shop-app"
  assume_role_policy = "{}"
}

resource "aws_iam_role_policy" "old" {
  name = "objects"
  role = aws_iam_role.app.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:PutObject"], Resource = "arn:aws:s3:::shop-assets/*" }]
  })
}

# The rest.
locals {
  a = 1
}
