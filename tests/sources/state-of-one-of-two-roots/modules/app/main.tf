variable "names" {}

resource "aws_iam_role_policy" "app" {
  for_each = var.names
  name     = "invoices"
  role     = each.key
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "*" }]
  })
}
