data "aws_iam_policy_document" "app" {
  statement {
    actions = ["s3:GetObject" /* g */, "s3:PutObject" /* q */, "s3:DeleteObject", /* l */ "s3:ListBucket"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
