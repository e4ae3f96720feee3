output "cart" {
  value = data.aws_iam_policy_document.cart.json
}
data "aws_iam_policy_document" "cart" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::shop-assets/*"]
  }
}
