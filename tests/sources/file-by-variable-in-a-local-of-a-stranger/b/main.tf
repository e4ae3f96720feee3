variable "file" {}

locals {
  policy = templatefile("${path.module}/../shared/${var.file}.json", {})
}

resource "aws_iam_role_policy" "batch" {
  name   = "batch"
  role   = "shop-batch"
  policy = local.policy
}
