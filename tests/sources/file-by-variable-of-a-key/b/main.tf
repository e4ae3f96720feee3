variable "file" {}

resource "aws_key_pair" "app" {
  key_name   = "shop-app"
  public_key = file(var.file)
}
