variable "name" {}

resource "aws_iam_role_policy" "app" {
  name   = "objects"
  role   = "shop-${var.name}"
  policy = file("${path.module}/policies/${var.name}.json")
}
