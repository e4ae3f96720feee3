moved {
  from = aws_iam_policy.old
  to   = module.app.aws_iam_policy.old
}

module "app" {
  source = "./app"
}
