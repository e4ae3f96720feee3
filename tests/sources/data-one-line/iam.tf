data "aws_iam_policy_document" "app" {
  statement {
    actions = ["s3:GetObject", "s3:DeleteObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.assets.arn}/*"]
  }
}
resource "aws_iam_policy" "app" {
  name = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
resource "aws_s3_bucket" "assets" {
  bucket = "shop-assets"
}
