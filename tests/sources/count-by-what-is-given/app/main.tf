variable "name" {}

variable "policy" {
  default = null
}

resource "aws_iam_role" "this" {
  name = var.name
}

resource "aws_iam_role_policy" "given" {
  count  = var.policy == null ? 0 : 1
  name   = "given"
  role   = aws_iam_role.this.name
  policy = var.policy
}
