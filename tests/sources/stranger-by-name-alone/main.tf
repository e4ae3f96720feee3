variable "arn" {}
data "aws_iam_policy_document" "x" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = [var.arn]
  }
}
resource "aws_iam_policy" "x" {
  name   = var.name
  policy = data.aws_iam_policy_document.x.json
}
