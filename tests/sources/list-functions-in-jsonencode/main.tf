resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = flatten([{
      Effect   = "Allow"
      Action   = sort(["s3:GetObject", "s3:PutObject"])
      Resource = flatten(["arn:aws:s3:::shop-assets", "arn:aws:s3:::shop-assets/*"])
    }])
  })
}
