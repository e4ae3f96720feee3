variable "name" {}
variable "policy_json" {}
resource "aws_iam_role" "this" {
  name = var.name
}
resource "aws_iam_role_policy" "this" {
  name   = "inline"
  role   = aws_iam_role.this.id
  policy = var.policy_json
}
