resource "aws_iam_policy" "old" {
  path = "/shop/"
}
