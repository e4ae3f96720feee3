resource "aws_iam_role" "app" {
  name               = "shop-app"
  assume_role_policy = "{}"

  inline_policy {
    name = "old"
    policy = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = "arn:aws:s3:::shop-assets/*"
      }]
    })
  }
}
