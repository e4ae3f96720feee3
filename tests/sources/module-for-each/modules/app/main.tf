variable "env" {
  type = string
}

data "aws_iam_policy_document" "app" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::${var.env}-assets/*"]
  }
}

resource "aws_iam_role_policy" "app" {
  name   = "objects"
  role   = aws_iam_role.app.name
  policy = data.aws_iam_policy_document.app.json
}

resource "aws_iam_role" "app" {
  name = "${var.env}-shop-app"
}
