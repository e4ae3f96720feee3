resource "aws_iam_role" "app" {
  name_prefix = "shop-app-"
  inline_policy {
    name   = "objects"
    policy = local.policy
  }
}
