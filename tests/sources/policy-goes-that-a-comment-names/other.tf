# aws_iam_policy.old was for the old service
resource "aws_sqs_queue" "late" {
  name = "late"
}
