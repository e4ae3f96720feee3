data "aws_iam_policy_document" "old" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}

data "aws_iam_policy_document" "new" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}

resource "aws_iam_role" "app" {
  name               = "shop-app"
  assume_role_policy = "{}"

  # uploads
  inline_policy {
    name   = "old"
    policy = data.aws_iam_policy_document.old.json
  }

  inline_policy {
    name   = "new"
    policy = data.aws_iam_policy_document.new.json
  }
}
