resource "aws_sqs_queue" "each" {
  for_each = toset([aws_iam_policy.old.name])
  name     = each.key
}
