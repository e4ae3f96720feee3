resource "aws_iam_role_policy" "batch" {
  name   = "batch"
  role   = "shop-batch"
  policy = file(abspath(format("%s/../shared/app.json", path.module)))
}
