resource "aws_iam_role_policy_attachment" "other" {
  role       = "other"
  policy_arn = "arn:aws:iam::111122223333:policy/shop-old"
}
