resource "aws_iam_role_policy" "app" {
  provider = aws.prod
  name   = "objects"
  role   = "shop-app"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "arn:aws:s3:::shop-assets/*" }]
  })
}

provider "aws" {
  region = "eu-west-1"
}

provider "aws" {
  alias               = "prod"
  allowed_account_ids = ["999988887777"]
}
