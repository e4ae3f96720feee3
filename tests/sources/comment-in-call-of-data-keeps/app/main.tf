variable "policy" {}

resource "aws_iam_policy" "app" {
  name = "shop-app"

  policy = var.policy
}
