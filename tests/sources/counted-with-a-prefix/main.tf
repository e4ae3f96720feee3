data "aws_iam_policy_document" "old" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}

resource "aws_iam_policy" "old" {
  count  = 2
  name_prefix = "shop-old-"
  policy = data.aws_iam_policy_document.old.json
}

