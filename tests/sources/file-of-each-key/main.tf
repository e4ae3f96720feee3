resource "aws_iam_role_policy" "each" {
  for_each = toset(["app", "batch"])
  name     = each.key
  role     = "shop-${each.key}"
  policy   = file("${path.module}/policies/${each.key}.json")
}
