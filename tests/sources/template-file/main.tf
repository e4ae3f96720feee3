data "template_file" "app" {
  template = file("${path.module}/app.json.tpl")
  vars = {
    bucket = "shop-assets"
  }
}
resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = data.template_file.app.rendered
}
