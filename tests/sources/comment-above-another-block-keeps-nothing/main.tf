# trimtrail: keep s3:Put* until 2999-01 the yearly audit
resource "aws_iam_policy" "other" {
  name   = "shop-mail"
  policy = "{}"
}

resource "aws_iam_policy" "app" {
  name = "shop-app"

  policy = file("${path.module}/policies/app.json")
}
