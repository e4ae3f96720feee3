data "aws_iam_policy_document" "base" {
  statement {
    sid       = "Logs"
    actions   = ["logs:PutLogEvents", "logs:CreateLogGroup"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "app" {
  source_policy_documents = [data.aws_iam_policy_document.base.json]

  statement {
    sid       = "Objects"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}

resource "aws_iam_role_policy" "app" {
  name   = "app-objects"
  role   = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
