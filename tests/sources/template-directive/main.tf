resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = templatefile("app.json.tftpl", { buckets = var.buckets })
}
