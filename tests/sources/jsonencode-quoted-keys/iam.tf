resource "aws_iam_policy" "app" {
  name   = format("%s-app", local.name)
  path   = "/shop/"
  policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      { "Effect" : "Allow", "Action" : ["s3:GetObject", "s3:PutObject"], "Resource" : ["*"] },
      { "Effect" : "Allow", "Action" : ["sqs:SendMessage"], "Resource" : ["*"] }
    ]
  })
}
locals {
  name = "shop"
}
