data "local_file" "app" {
  filename = "${path.module}/../shared/app.json"
}

resource "aws_iam_role_policy" "batch" {
  name   = "batch"
  role   = "shop-batch"
  policy = data.local_file.app.content
}
