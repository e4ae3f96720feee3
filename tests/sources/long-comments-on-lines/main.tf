data "aws_iam_policy_document" "app" {
  statement {
    actions = [
      "s3:GetObject", /* g */
      /* p */ "s3:PutObject", /* q */
      /* above d */
      "s3:DeleteObject", /* d */
      "s3:ListBucket" /* l */
    ]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
