moved {
  from = aws_iam_policy.older
  to   = aws_iam_policy.old
}
