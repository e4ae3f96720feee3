run "old" {
  command = plan

  assert {
    condition     = aws_iam_policy.old.name == "shop-old"
    error_message = "it has another name"
  }
}
