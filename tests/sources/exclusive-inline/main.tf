resource "aws_iam_role" "app" {
  name               = "shop-app"
  assume_role_policy = "{}"
}
resource "aws_iam_role_policy" "app" {
  name   = "objects"
  role   = aws_iam_role.app.name
  policy = data.aws_iam_policy_document.app.json
}
resource "aws_iam_role_policies_exclusive" "app" {
  role_name    = aws_iam_role.app.name
  policy_names = [aws_iam_role_policy.app.name]
}
data "aws_iam_policy_document" "app" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}
