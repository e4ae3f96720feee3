resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "arn:aws:s3:::shop-assets/*" }]
  })
}

provider "aws" {
  allowed_account_ids = ["999988887777", "111122223333"]
}
