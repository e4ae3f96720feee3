resource "aws_iam_policy" "app" {
  name = "shop-app"

  # trimtrail: keep s3:Put* until 2999-01 the yearly audit
  policy = file("${path.module}/policies/app.json")
}
