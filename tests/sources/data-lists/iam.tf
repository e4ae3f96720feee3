data "aws_iam_policy_document" "app" {
  # what the shop reads
  statement {
    sid    = "Objects"
    effect = "Allow"

    actions = [
      "s3:GetObject",    # product pages
      "s3:DeleteObject", # nobody knows
      # uploads
      "s3:PutObject",
    ]

    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}

resource "aws_iam_role_policy" "app" {
  name   = "app-objects"
  role   = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
