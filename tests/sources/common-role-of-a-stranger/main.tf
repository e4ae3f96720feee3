variable "policy" {}

resource "aws_iam_role_policy" "app" {
  name   = var.policy
  role   = "LambdaRole"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "*" }]
  })
}
