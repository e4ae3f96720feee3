resource "aws_iam_policy" "old" {
  name   = "shop-old"
  policy = data.aws_iam_policy_document.old.json
}

resource "aws_iam_role_policy_attachment" "old" {
  role       = aws_iam_role.app.name
  policy_arn = aws_iam_policy.old.arn
}

output "old" {
  value = aws_iam_policy.old.arn
}
