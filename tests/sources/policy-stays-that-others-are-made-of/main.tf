data "aws_iam_policy_document" "old" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}

resource "aws_iam_role_policy" "old" {
  name   = "objects"
  role   = aws_iam_role.app.id
  policy = data.aws_iam_policy_document.old.json
}

resource "aws_iam_role_policy" "new" {
  name   = "others"
  role   = aws_iam_role.app.id
  policy = data.aws_iam_policy_document.old.json
}

resource "aws_iam_role" "app" {
  name               = "shop-app"
  assume_role_policy = "{}"
}
