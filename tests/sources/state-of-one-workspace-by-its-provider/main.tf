locals {
  roles = {
    dev  = "arn:aws:iam::111122223333:role/deploy"
    prod = "arn:aws:iam::444455556666:role/deploy"
  }
}

provider "aws" {
  assume_role {
    role_arn = local.roles[terraform.workspace]
  }
}

resource "aws_iam_role_policy" "app" {
  name   = "objects"
  role   = "shop-app"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "*" }]
  })
}
