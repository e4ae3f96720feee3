resource "aws_iam_role_policy" "app" {
  name   = "objects"
  role   = "shop-app"
  policy = file("${path.module}/../shared/app.json")
}
