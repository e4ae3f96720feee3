data "aws_iam_policy_document" "old" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}

resource "aws_iam_role" "app" {
  name               = "shop-app"
  assume_role_policy = "{}"
}
