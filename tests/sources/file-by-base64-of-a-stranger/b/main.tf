resource "aws_iam_role_policy" "batch" {
  name   = "batch"
  role   = "shop-batch"
  policy = base64decode(filebase64("${path.module}/../shared/app.json"))
}
