resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = file("app.iampolicy")
}
