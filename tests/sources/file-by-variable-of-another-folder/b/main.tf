variable "file" {}

resource "aws_iam_role_policy" "batch" {
  name   = "batch"
  role   = "shop-batch"
  policy = file("${path.module}/policies/${var.file}.json")
}
