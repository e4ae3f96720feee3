resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = templatefile("${path.module}/templates/app.policy", { bucket = var.bucket })
}
