locals {
  file = "app"
}

resource "aws_iam_role_policy" "batch" {
  name   = "batch"
  role   = "shop-batch"
  policy = file("${path.module}/../shared/${local.file}.json")
}
