resource "aws_iam_policy" "app" {
  name = "shop-app"
  policy = jsonencode(merge(local.base, {
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "arn:aws:s3:::shop-assets/*"
    }]
  }))
}
