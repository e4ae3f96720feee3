resource "aws_iam_role_policy" "batch" {
  name   = "batch"
  role   = "shop-batch"
  policy = file(join("/", [path.module, "..", "shared", "app.json"]))
}
