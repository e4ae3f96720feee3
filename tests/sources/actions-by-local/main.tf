locals {
  reads = ["s3:GetObject", "s3:ListBucket"]
}
data "aws_iam_policy_document" "app" {
  statement {
    actions   = local.reads
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
  statement {
    actions   = ["sqs:SendMessage", "sqs:DeleteQueue"]
    resources = ["arn:aws:sqs:eu-west-1:111122223333:orders"]
  }
}
resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
