data "aws_iam_policy_document" "app" {
  statement {
    actions = ["s3:GetObject", /* reads */ "s3:PutObject" /* writes */, "s3:DeleteObject"] // all
    resources = [
      "arn:aws:s3:::shop-assets/*"
    ]
  }
}
resource "aws_iam_user_policy" "app" {
  user   = "shop-robot"
  policy = data.aws_iam_policy_document.app.json
}
