data "aws_iam_policy_document" "base" {
  statement {
    sid       = "Logs"
    actions   = distinct(["logs:PutLogEvents", "logs:CreateLogGroup"])
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "app" {
  source_policy_documents = compact([data.aws_iam_policy_document.base.json])

  statement {
    actions   = toset(["s3:GetObject", "s3:PutObject"])
    resources = compact(["arn:aws:s3:::shop-assets", "arn:aws:s3:::shop-assets/*"])
  }
}

resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
