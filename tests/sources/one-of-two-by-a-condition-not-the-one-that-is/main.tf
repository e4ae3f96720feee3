variable "read_only" {}

data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "write" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "app" {
  name   = "objects"
  role   = "shop-app"
  policy = var.read_only ? data.aws_iam_policy_document.read.json : data.aws_iam_policy_document.write.json
}
